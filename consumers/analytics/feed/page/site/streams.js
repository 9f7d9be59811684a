// Which streams there are, asked every two seconds, and what time it is in each.

const EVERY_MS = 2_000;
// A stream this far from the wall's clock has one of its own: a recording, or a camera whose date is wrong.
const OWN_CLOCK_MS = 10_000;

/** Events: `change` after each answer. `all` is the answer's list, the stream heard of most lately first. */
export class Streams extends EventTarget {
  all = [];
  askedAtMs = 0;
  /** How far the service's clock is ahead of the browser's. */
  aheadMs = 0;
  #timer = 0;
  #round = 0;

  /** Ask now and from now on. */
  open(key) {
    clearTimeout(this.#timer);
    this.#round += 1;
    this.#ask(key, this.#round);
  }

  /** The stream of that name, or undefined. */
  find(name) {
    return this.all.find(({ stream_id }) => stream_id === name);
  }

  /** What time it is in the service, in ms. */
  serviceNowMs() {
    return Date.now() + this.aheadMs;
  }

  /** What time it is in a stream: event time, which goes on as the wall's does. */
  nowMs(stream) {
    return this.serviceNowMs() + skewOf(stream);
  }

  async #ask(key, round) {
    const askedAtMs = Date.now();
    try {
      const headers = key ? { authorization: `Bearer ${key}` } : {};
      const answer = await fetch("../v1/streams", { headers, cache: "no-store" });
      if (answer.ok) {
        const said = await answer.json();
        this.aheadMs = Date.parse(said.now) - (askedAtMs + Date.now()) / 2;
        this.all = said.streams;
        this.askedAtMs = askedAtMs;
        this.dispatchEvent(new Event("change"));
      }
    } catch {
      // The events' connection meets the same trouble, and tells of it.
    }
    if (round === this.#round) this.#timer = setTimeout(() => this.#ask(key, round), EVERY_MS);
  }
}

/** How far a stream's own time is ahead of the time it was heard of, in ms; 0 for one that is live. */
export function skewOf(stream) {
  if (!stream) return 0;
  const byFrames = Date.parse(stream.frame_seen_at) >= (Date.parse(stream.event_seen_at) || 0) - OWN_CLOCK_MS;
  const skew = byFrames
    ? Date.parse(stream.last_frame_at) - Date.parse(stream.frame_seen_at)
    : Date.parse(stream.last_event_at) - Date.parse(stream.event_seen_at);
  return Math.abs(skew) > OWN_CLOCK_MS ? skew : 0;
}
