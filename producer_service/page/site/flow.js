// Pictures on their way: taken from the source, encoded, sent, answered. Two at most, so that none gets old.

import { drawSmall, encodeJpeg } from "./encoder.js";
import { packPicture } from "./wire.js";

const IN_FLIGHT = 2;

/**
 * Events: `outcome` {head, parts, picture, size} for every picture answered, newest first shown last;
 * `broken` {sentence} when a picture could not be encoded.
 */
export class Flow extends EventTarget {
  #connection;
  #tally;
  #flying = new Map();
  #encoding = 0;
  #number = 0;
  #voyage = 0;
  #spare = [];
  #shown = null;
  #newestShown = -1;

  constructor(connection, tally) {
    super();
    this.#connection = connection;
    this.#tally = tally;
    this.paused = false;
    this.longest = 640;
    this.quality = 0.85;
    connection.addEventListener("answer", ({ detail }) => this.#settle(detail));
    connection.addEventListener("lost", () => this.#forget());
  }

  /** How long the oldest picture under way has not been answered, in ms; 0 when none is. */
  oldestMs(nowMs) {
    const [first] = this.#flying.values();
    return first ? nowMs - first.takenAtMs : 0;
  }

  /** Take this moment's picture of the source, unless two are under way: then it is skipped, and counted. */
  async offer(source, sourceSize, capturedAtMs) {
    if (this.paused || !this.#connection.isOpen) return;
    if (this.#flying.size + this.#encoding >= IN_FLIGHT) {
      this.#tally.skipped += 1;
      return;
    }
    const voyage = this.#voyage;
    const takenAtMs = performance.now();
    const canvas = this.#spare.pop() ?? document.createElement("canvas");
    this.#encoding += 1;
    try {
      const size = drawSmall(source, sourceSize, this.longest, canvas);
      const picture = await encodeJpeg(canvas, this.quality);
      if (voyage !== this.#voyage || !this.#connection.isOpen) {
        this.#spare.push(canvas);
        return;
      }
      this.#number = (this.#number + 1) % 2 ** 32;
      this.#flying.set(this.#number, { canvas, size, takenAtMs });
      this.#connection.send(packPicture(this.#number, capturedAtMs, picture));
      this.#tally.sent += 1;
    } catch (error) {
      this.#spare.push(canvas);
      this.dispatchEvent(new CustomEvent("broken", { detail: { sentence: error.message } }));
    } finally {
      this.#encoding -= 1;
    }
  }

  #settle({ head, parts }) {
    const flight = this.#flying.get(head.number);
    if (!flight) return;
    this.#flying.delete(head.number);
    const nowMs = performance.now();
    this.#tally.count(head, nowMs - flight.takenAtMs, nowMs);
    const newest = head.status === "acknowledged" && head.number > this.#newestShown;
    const detail = { head, parts, picture: newest ? flight.canvas : null, size: flight.size };
    if (newest) {
      this.#newestShown = head.number;
      // The one on show stays untouched until the next is.
      if (this.#shown) this.#spare.push(this.#shown);
      this.#shown = flight.canvas;
    } else {
      this.#spare.push(flight.canvas);
    }
    this.dispatchEvent(new CustomEvent("outcome", { detail }));
  }

  /** The connection is gone: nobody will say what became of what was under way. */
  #forget() {
    this.#voyage += 1;
    this.#tally.unknown += this.#flying.size;
    for (const { canvas } of this.#flying.values()) this.#spare.push(canvas);
    this.#flying.clear();
  }
}
