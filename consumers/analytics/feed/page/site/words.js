// How things are called and told apart: by a word, a shape and a colour, never by colour alone.

export const CATEGORIES = [
  { name: "shape", title: "Shapes", glyph: "●" },
  { name: "movement", title: "Movements", glyph: "▲" },
  { name: "anomaly", title: "Anomalies", glyph: "◆" },
  { name: "fault", title: "Faults", glyph: "■" },
  { name: "reaction", title: "Reactions", glyph: "★" },
];
const OTHER = { name: "other", title: "Others", glyph: "○" };
const BODY_WIDE = new Set(["body", "capture", "face", "head", "both"]);

/** The category of that name; one this page does not know is `other`. */
export function categoryOf(event) {
  return CATEGORIES.find(({ name }) => name === event.category) ?? OTHER;
}

/** A kind as people read it: "thumbs_up" is "thumbs up". */
export function kindOf(event) {
  return event.kind.replaceAll("_", " ");
}

/** What of the person: "right hand", "body"; of hand shapes a side is a hand. */
export function subjectOf(event) {
  if (BODY_WIDE.has(event.subject)) return event.subject === "both" ? "both hands" : event.subject;
  return event.hand || event.category === "shape" ? `${event.subject} hand` : event.subject;
}

/** One sentence, for those who listen. */
export function sentenceOf(event) {
  const what = { start: "began", end: "ended", occurred: "" }[event.phase] ?? "";
  const grave = event.severity === "critical" ? "Critical: " : "";
  return `${grave}${kindOf(event)}, ${subjectOf(event)}, ${event.stream_id} ${what}`.trim();
}

/** Seconds as people read them. */
export function durationOf(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** The time of day here. */
export function clockOf(time) {
  return new Date(time).toLocaleTimeString("en-GB");
}

/** A name with its unit, and a number: "depth_deg", 84.21 is ["depth", "84.2 deg"]. */
export function evidenceOf(name, value) {
  const words = name.split("_");
  const unit = words.length > 1 && UNITS.has(words.at(-1)) ? words.pop() : "";
  const shown = typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(3)) : value;
  return [words.join(" "), `${shown ?? "–"} ${UNITS.get(unit) ?? ""}`.trim()];
}

const UNITS = new Map([
  ["deg", "°"], ["s", "s"], ["ms", "ms"], ["m", "m"], ["hz", "Hz"], ["fps", "frames/s"], ["us", "µs"],
]);
