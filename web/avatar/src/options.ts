// What the page shows, from its address: every choice can be written there, for a browser source of OBS.
//
//   ?performer=ada&mirror=1&ui=0&background=transparent&skeleton=1&labels=0&frame=upper
//   ?flat=1 or smooth=0 where drawing is slow
//   ?replay=1&from=2026-01-01T10:00:00Z&to=…&speed=0.5     times as ISO 8601, or as milliseconds since 1970

export type Framing = "body" | "upper" | "face";
export const FRAMINGS: readonly Framing[] = ["body", "upper", "face"];

export interface Options {
  /** A stream's name, or null for everybody. */
  performer: string | null;
  mirror: boolean;
  /** "studio", "transparent", or a colour as #rrggbb. */
  background: string;
  skeleton: boolean;
  labels: boolean;
  framing: Framing;
  ui: boolean;
  /** Whether edges are smoothed, which costs much where there is no graphics processor. */
  smooth: boolean;
  /** Whether a flat skeleton is drawn where avatars could be. */
  flat: boolean;
  replay: { from: number | null; to: number | null; speed: number } | null;
}

export function readOptions(search: string): Options {
  const asked = new URLSearchParams(search);
  const isOn = (name: string, otherwise: boolean): boolean => {
    const value = asked.get(name);
    return value === null ? otherwise : !["0", "false", "no", "off"].includes(value);
  };
  const frame = asked.get("frame") as Framing;
  return {
    performer: asked.get("performer"),
    mirror: isOn("mirror", false),
    background: readBackground(asked.get("background")),
    skeleton: isOn("skeleton", false),
    labels: isOn("labels", true),
    framing: FRAMINGS.includes(frame) ? frame : "body",
    ui: isOn("ui", true),
    smooth: isOn("smooth", true),
    flat: isOn("flat", false),
    replay: isOn("replay", asked.has("from"))
      ? { from: readTime(asked.get("from")), to: readTime(asked.get("to")), speed: readSpeed(asked.get("speed")) }
      : null,
  };
}

function readBackground(value: string | null): string {
  if (value === "transparent") return value;
  const colour = (value ?? "").replace(/^#/, "");
  return /^[0-9a-f]{6}$/i.test(colour) ? `#${colour.toLowerCase()}` : "studio";
}

function readTime(value: string | null): number | null {
  if (!value) return null;
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Date.parse(value);
  return Number.isFinite(ms) ? ms : null;
}

function readSpeed(value: string | null): number {
  const speed = Number(value);
  return speed >= 0.25 && speed <= 4 ? speed : 1;
}

/** The address of a browser source that shows what is chosen now. */
export function addressOf(options: Options, page: string): string {
  const address = new URL(page);
  address.search = "";
  const chosen: Record<string, string | false> = {
    performer: options.performer ?? false,
    mirror: options.mirror && "1",
    background: options.background !== "studio" && options.background.replace("#", ""),
    skeleton: options.skeleton && "1",
    labels: !options.labels && "0",
    frame: options.framing !== "body" && options.framing,
    ui: "0",
  };
  for (const [name, value] of Object.entries(chosen)) if (value !== false) address.searchParams.set(name, value);
  return address.href;
}
