// The events as a list, the newest on top, each with what it stands on when it is opened.

import { isMark } from "./history.js";
import { categoryOf, clockOf, durationOf, evidenceOf, kindOf, subjectOf } from "./words.js";

const MOST = 200;

export class EventList {
  #items = new Map();

  /** @param {HTMLElement} list */
  constructor(list) {
    this.list = list;
  }

  /** Show an entry, or show it anew. */
  show(entry) {
    const id = entry.event.gesture_id;
    const known = this.#items.get(id);
    const item = fill(known ?? document.createElement("li"), entry);
    if (known) return;
    this.#items.set(id, item);
    this.list.prepend(item);
    if (this.#items.size > MOST) {
      const [oldest] = this.#items.keys();
      this.#items.get(oldest).remove();
      this.#items.delete(oldest);
    }
  }

  /** Show exactly these entries, the last on top; what was opened stays so. */
  showAll(entries) {
    const before = this.#items;
    this.#items = new Map();
    for (const entry of entries.slice(-MOST)) {
      const id = entry.event.gesture_id;
      this.#items.set(id, fill(before.get(id) ?? document.createElement("li"), entry));
    }
    this.list.replaceChildren(...[...this.#items.values()].reverse());
  }

  get size() {
    return this.#items.size;
  }
}

function fill(item, entry) {
  const { event, startMs, endMs } = entry;
  const { name, title, glyph } = categoryOf(event);
  const wasOpen = item.querySelector("details")?.open ?? false;
  Object.assign(item.dataset, { category: name, kind: event.kind, severity: event.severity ?? "" });
  item.toggleAttribute("data-open", endMs === null);
  const details = document.createElement("details");
  details.open = wasOpen;
  const summary = document.createElement("summary");
  const sign = make("span", "glyph", glyph);
  sign.title = title;
  const what = make("span", "what");
  what.append(make("b", "", kindOf(event)), ` ${subjectOf(event)}`);
  if (event.severity && event.severity !== "info") what.append(" ", make("em", "severity", event.severity));
  const when = make("time", "", clockOf(startMs));
  when.dateTime = event.started_at;
  const length = endMs === null ? "goes on" : isMark(entry) ? "" : durationOf((endMs - startMs) / 1000);
  const who = make("span", "who");
  who.title = event.stream_id;
  who.append(make("bdi", "", event.stream_id));
  summary.append(sign, what, when, who, make("span", "length", length));
  details.append(summary, describeEvidence(event, title));
  item.replaceChildren(details);
  return item;
}

function describeEvidence(event, title) {
  const list = make("dl", "evidence");
  const source = event.source ?? {};
  const rows = [
    ["category", title],
    ...(typeof event.confidence === "number" ? [["confidence", `${Math.round(event.confidence * 100)} %`]] : []),
    ...(typeof event.observed === "number" ? [["observed", `${Math.round(event.observed * 100)} % of the frames`]] : []),
    ...Object.entries(event.evidence ?? {}).map(([name, value]) => evidenceOf(name, value)),
    ...(source.first_offset === undefined
      ? []
      : [["frames", `partition ${source.partition}, offsets ${source.first_offset}–${source.last_offset}`]]),
  ];
  for (const [name, value] of rows) {
    const row = make("div");
    row.append(make("dt", "", name), make("dd", "", String(value)));
    list.append(row);
  }
  return list;
}

function make(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}
