// The events' connection, kept up until the page is left: after a break it goes on where it was.

import { SseParser } from "./sse.js";

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 8_000;
// Heartbeats come every 15 s.
const SILENCE_MS = 40_000;
const RECENT = 500;

/**
 * Events: `state` {state, sentence} with state `connecting`, `open`, `waiting` (for the next try) or `key`
 * (one is asked for); `said` {id, event, data} for every message, the feed's own words too.
 */
export class Feed extends EventTarget {
  #key = "";
  #lastId = null;
  #failures = 0;
  #tries = 0;
  #leaving = null;

  /** Connect, or connect anew, and go on trying. */
  open(key) {
    this.#key = key;
    this.#failures = 0;
    this.#leaving?.abort();
    this.#try();
  }

  async #try() {
    const round = ++this.#tries;
    const leaving = new AbortController();
    this.#leaving = leaving;
    this.#say("connecting", "");
    let sentence;
    try {
      sentence = await this.#read(leaving);
    } catch (error) {
      sentence = error.sentence ?? "The feed is not reached.";
      if (error.asksKey && round === this.#tries) {
        this.#say("key", this.#key ? "That is not the key." : "");
        return;
      }
    }
    leaving.abort();
    if (round !== this.#tries) return;
    const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures) * (0.8 + 0.4 * Math.random());
    this.#failures += 1;
    this.#say("waiting", `${sentence} Trying again in ${Math.max(1, Math.round(delayMs / 1000))} s.`);
    setTimeout(() => round === this.#tries && this.#try(), delayMs);
  }

  /** Read until the connection is lost: why it was. */
  async #read(leaving) {
    const address = new URL("../v1/events", document.baseURI);
    const headers = this.#key ? { authorization: `Bearer ${this.#key}` } : {};
    if (this.#lastId === null) address.searchParams.set("recent", RECENT);
    else headers["last-event-id"] = this.#lastId;
    const answer = await fetch(address, { headers, cache: "no-store", signal: leaving.signal });
    if (answer.status === 401) throw Object.assign(new Error("a key is asked for"), { asksKey: true });
    if (answer.status === 400) this.#lastId = null;
    if (!answer.ok) throw Object.assign(new Error("refused"), { sentence: await readRefusal(answer) });
    this.#say("open", "");
    let why = "The connection to the feed was lost.";
    const parser = new SseParser((said) => {
      this.#failures = 0;
      if (said.id) this.#lastId = said.id;
      if (said.event === "cut") why = `The feed ended the connection: ${said.data.message}.`;
      this.dispatchEvent(new CustomEvent("said", { detail: said }));
    });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const silence = setTimeout(() => leaving.abort(), SILENCE_MS);
      const { done, value } = await reader.read().catch(() => ({ done: true }));
      clearTimeout(silence);
      if (done) return why;
      parser.push(value);
    }
  }

  #say(state, sentence) {
    this.dispatchEvent(new CustomEvent("state", { detail: { state, sentence } }));
  }
}

async function readRefusal(answer) {
  const said = await answer.json().catch(() => null);
  const message = said?.error?.message ?? `it answered ${answer.status}`;
  return `The feed refuses: ${message}.`;
}
