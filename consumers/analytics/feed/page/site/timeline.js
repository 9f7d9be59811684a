// A line for each stream: bars from start to end, marks for what happened at once. What goes on grows.

import { isMark, layOut } from "./history.js";
import { categoryOf, durationOf, kindOf, subjectOf } from "./words.js";

const MOST_ROWS = 12;
const MOST_LANES = 8;
const LANE_PX = 26;
const LEAST_PX = 24;
const TICKS = 6;
// Narrower ones have no room for a word.
const WORD_PX = 56;

export class Timeline {
  #rows = new Map();
  #axis = document.createElement("div");

  /** @param {HTMLElement} container */
  constructor(container) {
    this.container = container;
    this.#axis.className = "axis";
    container.append(this.#axis);
  }

  /**
   * Draw anew. `lines` are [{name, nowMs, entries}], the first on top; `spanS` seconds up to each one's now are shown.
   */
  draw(lines, spanS) {
    const shown = lines.slice(0, MOST_ROWS);
    const names = new Set(shown.map(({ name }) => name));
    for (const [name, row] of this.#rows) {
      if (names.has(name)) continue;
      row.element.remove();
      this.#rows.delete(name);
    }
    shown.forEach((line, place) => {
      const row = this.#rows.get(line.name) ?? this.#addRow(line.name);
      if (this.container.children[place] !== row.element) {
        this.container.insertBefore(row.element, this.container.children[place]);
      }
      drawRow(row, line, spanS * 1000);
    });
    this.#drawAxis(spanS);
    this.#axis.hidden = shown.length === 0;
  }

  #addRow(name) {
    const element = make("div", "row-of-stream");
    const label = make("p", "row-name");
    label.title = name;
    label.append(make("bdi", "", name));
    const track = make("div", "track");
    element.append(label, track);
    const row = { element, track, bars: new Map() };
    this.#rows.set(name, row);
    return row;
  }

  #drawAxis(spanS) {
    if (this.#axis.dataset.span === String(spanS)) return;
    this.#axis.dataset.span = spanS;
    this.#axis.replaceChildren(
      ...Array.from({ length: TICKS }, (_, place) => {
        const agoS = spanS * (1 - place / (TICKS - 1));
        return make("span", "", agoS === 0 ? "now" : `−${durationOf(agoS).replace(" min 0 s", " min").replace(".0", "")}`);
      }),
    );
  }
}

function drawRow({ track, bars }, { nowMs, entries }, spanMs) {
  const leastWidth = LEAST_PX / Math.max(LEAST_PX, track.clientWidth);
  const placed = layOut(entries, nowMs - spanMs, nowMs, leastWidth).filter(({ lane }) => lane < MOST_LANES);
  const gone = new Set(bars.keys());
  let lanes = 1;
  for (const { entry, lane, left, width } of placed) {
    const id = entry.event.gesture_id;
    gone.delete(id);
    let bar = bars.get(id);
    if (!bar) {
      bar = make("div");
      bars.set(id, bar);
      track.append(bar);
    }
    describe(bar, entry, nowMs);
    bar.toggleAttribute("data-narrow", width * track.clientWidth < WORD_PX);
    bar.style.left = `${left * 100}%`;
    bar.style.width = `${width * 100}%`;
    bar.style.top = `${lane * LANE_PX}px`;
    lanes = Math.max(lanes, lane + 1);
  }
  for (const id of gone) {
    bars.get(id).remove();
    bars.delete(id);
  }
  track.style.height = `${lanes * LANE_PX}px`;
}

function describe(bar, entry, nowMs) {
  const { event, startMs, endMs } = entry;
  const { name, glyph } = categoryOf(event);
  const seconds = Math.max(0, (endMs ?? nowMs) - startMs) / 1000;
  bar.title = `${kindOf(event)}, ${subjectOf(event)}, ${durationOf(seconds)}${endMs === null ? " so far" : ""}`;
  const state = `${event.event_id} ${endMs === null}`;
  if (bar.dataset.state === state) return;
  bar.className = isMark(entry) ? "mark" : "stretch";
  Object.assign(bar.dataset, { state, category: name, kind: event.kind, severity: event.severity ?? "" });
  bar.toggleAttribute("data-open", endMs === null);
  const sign = make("span", "glyph", glyph);
  bar.replaceChildren(sign, ...(isMark(entry) ? [] : [make("span", "bar-text", barText(event))]));
}

function barText(event) {
  const side = event.subject === "left" ? " L" : event.subject === "right" ? " R" : "";
  return kindOf(event) + side;
}

function make(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}
