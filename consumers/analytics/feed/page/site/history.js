// What happened, as far as it is shown: one entry for each gesture, that its end completes. Touches no page.

const MOST = 1_500;

/**
 * An entry: {event (the newest message of it), startMs, endMs (null while it goes on), heardMs}. Times are event time,
 * but for heardMs.
 */
export class History {
  #entries = new Map();

  /** Entries, the oldest first. */
  get entries() {
    return [...this.#entries.values()];
  }

  /** Take an event heard of at `heardMs`; its entry, and whether it is a new one. */
  note(event, heardMs) {
    const id = event.gesture_id;
    const startMs = Date.parse(event.started_at);
    const endMs = event.phase === "start" ? null : Date.parse(event.ended_at ?? event.started_at);
    const known = this.#entries.get(id);
    // An end before its start came again must stay the end.
    if (known && event.phase === "start" && known.endMs !== null) return { entry: known, isNew: false };
    const entry = known ?? { startMs };
    Object.assign(entry, { event, startMs, endMs, heardMs });
    this.#entries.set(id, entry);
    if (this.#entries.size > MOST) this.#entries.delete(this.#entries.keys().next().value);
    return { entry, isNew: !known };
  }

  /** What was open before `heardBeforeMs` and is not among `openIds` any more has ended unheard. */
  settle(stream, openIds, heardBeforeMs) {
    for (const entry of this.#entries.values()) {
      const { event, endMs, heardMs } = entry;
      if (endMs !== null || event.stream_id !== stream || heardMs > heardBeforeMs) continue;
      if (!openIds.has(event.gesture_id)) entry.endMs = entry.startMs;
    }
  }
}

/** Whether it happened at once, and is a mark rather than a bar. */
export function isMark({ event }) {
  return event.phase === "occurred";
}

/**
 * Lanes for entries so that none covers another: the lowest free one each, for those in [fromMs, toMs].
 * Gives [{entry, lane, left, width}], left and width as fractions of the span; what goes on lasts to `toMs`, and a mark
 * stands where it was over.
 */
export function layOut(entries, fromMs, toMs, leastWidth) {
  const span = toMs - fromMs;
  const extents = entries.map((entry) => {
    const endMs = entry.endMs ?? Math.max(toMs, entry.startMs);
    return { entry, startMs: isMark(entry) ? endMs : entry.startMs, endMs };
  });
  const shown = extents.filter(({ startMs, endMs }) => endMs >= fromMs && startMs <= toMs);
  shown.sort((one, other) => one.startMs - other.startMs);
  const busyUntil = [];
  return shown.map(({ entry, startMs, endMs }) => {
    const begin = Math.max(0, (startMs - fromMs) / span);
    const width = Math.max(leastWidth, Math.min(1, (endMs - fromMs) / span) - begin);
    // What has just happened is drawn whole.
    const left = Math.min(begin, 1 - Math.min(1, width));
    let lane = busyUntil.findIndex((until) => until <= left);
    if (lane < 0) lane = busyUntil.length;
    busyUntil[lane] = left + width;
    return { entry, lane, left, width };
  });
}
