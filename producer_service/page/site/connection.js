// One stream's connection to the server, kept up until it is closed or refused for good.

import { askWhy } from "./refusal.js";
import { endSentence } from "./status.js";
import { unpackAnswer } from "./wire.js";

const PROTOCOL = "holistic.v1";
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
// A stream this page has just left is let go within this: a reload and a changed setting come back to it at once.
const LETTING_GO_TRIES = 5;
const LETTING_GO_MS = 300;
const CLOSED_BECAUSE = new Map([
  [1001, "The server is stopping."],
  [1009, "The server found a picture too large. Choose a smaller picture size."],
  [1011, "Something broke in the server."],
  [1013, "The server has too much to do."],
]);

/**
 * Events: `state` {state, sentence} with state `connecting`, `open`, `waiting` (for the next try), `refused` or
 * `closed`; `answer` {head, parts}; `lost` when pictures that are under way will not be answered.
 */
export class StreamConnection extends EventTarget {
  #socket = null;
  #wanted = null;
  #failures = 0;
  #patience = 0;
  #timer = 0;

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Connect, and go on trying. `wanted` is {stream, key, mirrored}; an earlier connection is closed. */
  open(wanted) {
    const left = this.#leave();
    this.#wanted = wanted;
    this.#failures = 0;
    this.#patience = LETTING_GO_TRIES;
    this.#say("connecting", "");
    this.#timer = setTimeout(() => this.#connect(), left ? LETTING_GO_MS : 0);
  }

  close() {
    this.#leave();
    this.#wanted = null;
    this.#say("closed", "");
  }

  send(message) {
    this.#socket.send(message);
  }

  /** What follows does not continue what was: tracking begins anew. */
  interrupt() {
    if (this.isOpen) this.#socket.send(JSON.stringify({ do: "interrupt" }));
  }

  /** Whether there was a connection to leave. */
  #leave() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return false;
    socket.close(1000);
    this.dispatchEvent(new Event("lost"));
    return true;
  }

  #connect() {
    const wanted = this.#wanted;
    this.#say("connecting", "");
    let socket;
    try {
      socket = new WebSocket(addressOf(wanted), wanted.key ? [PROTOCOL, `key.${wanted.key}`] : [PROTOCOL]);
    } catch (error) {
      this.#say("refused", `The browser cannot connect: ${error.message}`);
      return;
    }
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    let wasOpen = false;
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      wasOpen = true;
      this.#say("open", "Connected");
    };
    socket.onmessage = (message) => {
      if (socket !== this.#socket || typeof message.data === "string") return;
      this.#failures = 0;
      this.#answer(message.data);
    };
    socket.onclose = (closed) => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.dispatchEvent(new Event("lost"));
      this.#recover(wanted, wasOpen, closed);
    };
  }

  #answer(data) {
    let answer;
    try {
      answer = unpackAnswer(data);
    } catch (error) {
      this.close();
      this.#say("refused", `The server speaks another protocol: ${error.message}.`);
      return;
    }
    this.dispatchEvent(new CustomEvent("answer", { detail: answer }));
  }

  /** Try again later, or say why not. A refused WebSocket tells a page nothing, so the API is asked. */
  async #recover(wanted, wasOpen, closed) {
    const why = wasOpen
      ? { sentence: closed.reason || CLOSED_BECAUSE.get(closed.code) || "The connection to the server was lost.", final: false }
      : await askWhy(wanted);
    if (wanted !== this.#wanted || this.#socket) return;
    if (why.final) {
      this.#say("refused", why.sentence);
      return;
    }
    if (why.taken && this.#patience > 0) {
      this.#patience -= 1;
      this.#timer = setTimeout(() => this.#connect(), LETTING_GO_MS);
      return;
    }
    const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures) * (0.8 + 0.4 * Math.random());
    this.#failures += 1;
    this.#say("waiting", `${endSentence(why.sentence)} Trying again in ${Math.max(1, Math.round(delayMs / 1000))} s.`);
    this.#timer = setTimeout(() => this.#connect(), delayMs);
  }

  #say(state, sentence) {
    this.dispatchEvent(new CustomEvent("state", { detail: { state, sentence } }));
  }
}

function addressOf({ stream, mirrored }) {
  const address = new URL(`../v1/streams/${encodeURIComponent(stream)}/ws`, document.baseURI);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("mirrored", String(mirrored));
  return address;
}
