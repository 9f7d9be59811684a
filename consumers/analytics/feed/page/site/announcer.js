// What happens, for those who listen: a few sentences at a time, or how many there were.

import { sentenceOf } from "./words.js";

const EVERY_MS = 1_500;
const MOST_SENTENCES = 2;

export class Announcer {
  #waiting = [];
  #timer = 0;

  /** @param {HTMLElement} region a live region */
  constructor(region) {
    this.region = region;
  }

  say(event) {
    this.#waiting.push(event);
    this.#timer ||= setTimeout(() => this.#speak(), EVERY_MS);
  }

  #speak() {
    const events = this.#waiting.splice(0);
    this.#timer = 0;
    const grave = events.filter(({ severity }) => severity === "critical");
    const told = events.length <= MOST_SENTENCES ? events : grave.slice(-MOST_SENTENCES);
    const rest = events.length - told.length;
    const sentences = [...told.map(sentenceOf), ...(rest ? [`${rest} ${told.length ? "more " : ""}events`] : [])];
    this.region.textContent = `${sentences.join(". ")}.`;
  }
}
