// What became of the pictures, and how fast: figures only, time is an argument.

const WINDOW_MS = 3000;
const STEPS = ["waiting_ms", "decoding_ms", "inference_ms", "publishing_ms"];

export class Tally {
  constructor() {
    this.sent = 0;
    this.skipped = 0;
    this.acknowledged = 0;
    this.unknown = 0;
    this.dropped = new Map();
    this.rejected = new Map();
    this.recent = [];
  }

  /** Books one answer that came `roundTripMs` after its picture was taken from the source. */
  count(head, roundTripMs, nowMs) {
    if (head.status === "acknowledged") {
      this.acknowledged += 1;
      this.recent.push({ atMs: nowMs, roundTripMs, spent: head.spent ?? {} });
    } else {
      const book = head.status === "rejected" ? this.rejected : this.dropped;
      const reason = head.reason ?? "unknown";
      book.set(reason, (book.get(reason) ?? 0) + 1);
    }
  }

  /** Frame rate and where the time goes, of the last seconds; all null when nothing was acknowledged in them. */
  measure(nowMs) {
    this.recent = this.recent.filter((each) => nowMs - each.atMs < WINDOW_MS);
    if (!this.recent.length) return { framesPerS: null, roundTripMs: null, steps: null };
    const roundTripMs = median(this.recent.map((each) => each.roundTripMs));
    const spent = Object.fromEntries(STEPS.map((step) => [step, median(this.recent.map((each) => each.spent[step] ?? 0))]));
    return { framesPerS: this.frameRate(nowMs), roundTripMs, steps: addNetwork(spent, roundTripMs) };
  }

  frameRate(nowMs) {
    const [first] = this.recent;
    const spanMs = nowMs - first.atMs;
    // Over the time since the first one while the window is not full yet.
    return this.recent.length < 2 || spanMs <= 0 ? null : ((this.recent.length - 1) * 1000) / spanMs;
  }
}

/** The steps the server named, and what it has not spent: the browser's encoding, and the way there and back. */
export function addNetwork(spent, roundTripMs) {
  const spentMs = STEPS.reduce((sum, step) => sum + (spent[step] ?? 0), 0);
  return { ...spent, network_ms: Math.max(0, roundTripMs - spentMs) };
}

export function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
