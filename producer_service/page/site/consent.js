// The gate before anything is captured, and what this tab was told there.

import { recall, remember } from "./session.js";

const NAME = "consent";
const TEXT = "1"; // Another number asks everybody again: raise it with the words of the gate.

const byId = (id) => document.getElementById(id);

export class Consent {
  /** `onGiven("camera" | "file")` is called when somebody agrees, with what they want to begin with. */
  constructor(onGiven) {
    byId("gate-host").textContent = location.host;
    byId("agree").onchange = () => {
      byId("agree-camera").disabled = byId("agree-file").disabled = !byId("agree").checked;
    };
    byId("gate").onsubmit = (event) => {
      event.preventDefault();
      this.#give(() => onGiven("camera"));
    };
    byId("agree-file").onclick = () => this.#give(() => onGiven("file"));
  }

  get given() {
    return recall(NAME) === TEXT;
  }

  withdraw() {
    remember(NAME, null);
    byId("agree").checked = false;
    byId("agree").onchange();
  }

  #give(then) {
    if (!byId("agree").checked) return;
    remember(NAME, TEXT);
    then();
  }
}
