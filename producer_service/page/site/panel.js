// Figures as people read them. Nothing is computed here.

const STEPS = ["network", "waiting", "decoding", "inference", "publishing"];
const PART_NAMES = { pose: "body", face: "face", left_hand: "left hand", right_hand: "right hand" };
const NUMBER = new Intl.NumberFormat("en");

export class Panel {
  #byId = (id) => document.getElementById(id);

  /** Rate and latency; null: nothing was acknowledged lately. */
  showSpeed({ framesPerS, roundTripMs, steps }) {
    this.#write("rate", framesPerS === null ? "–" : framesPerS.toFixed(1));
    this.#write("latency", roundTripMs === null ? "–" : String(Math.round(roundTripMs)));
    this.#byId("latency-unit").hidden = roundTripMs === null;
    for (const step of STEPS) {
      const ms = steps?.[`${step}_ms`] ?? null;
      this.#write(`${step}_ms`, ms === null ? "–" : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`);
      this.#byId("split").querySelector(`.${step}`).style.flexGrow = String(ms ?? 0);
    }
  }

  /** The last frame Kafka took. */
  showWhere(stream, head, parts) {
    this.#write("stream-name", stream);
    this.#write("topic", head.topic ?? "–");
    for (const name of ["partition", "offset", "sequence", "epoch"]) this.#write(name, String(head[name] ?? "–"));
    const found = Object.keys(PART_NAMES).filter((name) => parts.has(name));
    this.#write("found", found.length ? found.map((name) => PART_NAMES[name]).join(", ") : "nobody");
  }

  clearWhere() {
    for (const id of ["stream-name", "topic", "partition", "offset", "sequence", "epoch", "found"]) this.#write(id, "–");
  }

  showCounts(tally) {
    this.#write("acknowledged", NUMBER.format(tally.acknowledged));
    this.#write("skipped", NUMBER.format(tally.skipped));
    this.#write("dropped", NUMBER.format(sum(tally.dropped)));
    this.#write("rejected", NUMBER.format(sum(tally.rejected)));
    this.#byId("unknown-row").hidden = !tally.unknown;
    this.#write("unknown", NUMBER.format(tally.unknown));
    const lines = [...tally.dropped, ...tally.rejected].map(([reason, count]) => `${words(reason)} ${NUMBER.format(count)}`);
    const list = this.#byId("reasons");
    if (list.dataset.shown === lines.join()) return;
    list.dataset.shown = lines.join();
    list.replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  }

  #write(id, text) {
    const element = this.#byId(id);
    if (element.textContent !== text) element.textContent = text;
  }
}

function sum(book) {
  return [...book.values()].reduce((total, count) => total + count, 0);
}

function words(reason) {
  return reason.replaceAll("_", " ");
}
