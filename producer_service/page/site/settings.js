// What a person may set. Remembered in this tab alone; the key never leaves it but to the server.

import { listCameras } from "./cameras.js";
import { inventName, refuseKey, refuseName } from "./naming.js";
import { recall, remember } from "./session.js";

const byId = (id) => document.getElementById(id);
const CHOICES = ["size", "quality"];
const TICKS = ["in-step", "source-mirrored"];

export class Settings {
  /** `onChange(name)` is called with `stream`, `key`, `cameras`, or the id of another field, once it holds a good value. */
  constructor(onChange) {
    this.stream = recall("stream") ?? inventName();
    this.key = recall("key", "");
    byId("stream").value = this.stream;
    byId("key").value = this.key;
    this.#check("stream", refuseName, onChange);
    this.#check("key", refuseKey, onChange);
    for (const id of CHOICES) this.#keep(id, "value", String, onChange);
    for (const id of TICKS) this.#keep(id, "checked", (kept) => kept === "true", onChange);
    byId("cameras").onchange = () => {
      remember("camera", byId("cameras").value);
      onChange("cameras");
    };
    byId("settings-form").onsubmit = (event) => event.preventDefault();
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.listCameras());
  }

  get camera() {
    return byId("cameras").value || "facing:user";
  }

  get longest() {
    return Number(byId("size").value);
  }

  get quality() {
    return Number(byId("quality").value);
  }

  get inStep() {
    return byId("in-step").checked;
  }

  get sourceMirrored() {
    return byId("source-mirrored").checked;
  }

  /** The cameras there are now; they have names once one was allowed. */
  async listCameras() {
    const cameras = await listCameras();
    const wanted = byId("cameras").value || recall("camera");
    byId("cameras").replaceChildren(
      ...cameras.map(({ value, label }) => Object.assign(document.createElement("option"), { value, textContent: label })),
    );
    byId("cameras").value = cameras.some(({ value }) => value === wanted) ? wanted : cameras[0].value;
  }

  /** Open the settings at a field. */
  show(id) {
    byId("settings").open = true;
    byId(id).focus();
  }

  #check(id, refuse, onChange) {
    const field = byId(id);
    const hint = byId(`${id}-hint`);
    const calm = hint.textContent;
    field.onchange = () => {
      const value = field.value.trim();
      const refusal = refuse(value);
      field.setAttribute("aria-invalid", String(refusal !== null));
      hint.textContent = refusal ?? calm;
      hint.classList.toggle("bad", refusal !== null);
      if (refusal !== null || value === this[id]) return;
      this[id] = value;
      remember(id, value);
      onChange(id);
    };
    remember(id, this[id]);
  }

  #keep(id, property, read, onChange) {
    const kept = recall(id);
    if (kept !== null) byId(id)[property] = read(kept);
    byId(id).onchange = () => {
      remember(id, String(byId(id)[property]));
      onChange(id);
    };
  }
}
