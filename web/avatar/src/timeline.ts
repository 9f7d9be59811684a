// Live or replay: the slider of time, and the keys that move it.

import type { AvatarConnection } from "./connection";
import { button, element, input, part, select, setText } from "./elements";
import type { Options } from "./options";
import type { Position } from "./wire";

const SEEK_EVERY_MS = 120;
const KEY_STEP_MS = 5_000;
const FINE_STEP_MS = 1_000;

export class Timeline {
  private position: Position | null = null;
  private heardAtMs = 0;
  private isDragged = false;
  private seekTimer = 0;
  private soughtMs = 0;

  constructor(
    private readonly connection: AvatarConnection,
    private readonly streamOf: () => string | null,
    private readonly changed: () => void,
  ) {
    button("live").addEventListener("click", () => this.goLive());
    button("replay").addEventListener("click", () => this.beginReplay());
    button("play").addEventListener("click", () => this.toggle());
    select("speed").addEventListener("change", () => this.connection.setSpeed(this.speed));
    select("span").addEventListener("change", () => this.isReplay && this.beginReplay());
    const slider = input("time");
    slider.addEventListener("input", () => this.drag(Number(slider.value)));
    slider.addEventListener("change", () => (this.isDragged = false));
    element("go-to", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const asked = input("go-to-time").value;
      if (asked) this.seek(Date.parse(asked));
    });
    document.addEventListener("keydown", (event) => this.listen(event));
    this.render();
  }

  get isReplay(): boolean {
    return this.position?.mode === "replay";
  }

  /** Where a replay is, as the service said last. */
  get at(): Position | null {
    return this.isReplay ? this.position : null;
  }

  /** What the address asks for. */
  begin(options: Options): void {
    const { replay } = options;
    if (!replay) return;
    select("speed").value = String(replay.speed);
    this.start(replay.from, replay.to);
  }

  note(position: Position, nowMs: number): void {
    const wasReplay = this.isReplay;
    this.position = position;
    this.heardAtMs = nowMs;
    if (wasReplay !== this.isReplay) this.changed();
    this.render();
  }

  /** Moves the slider with time between two messages. */
  pass(nowMs: number): void {
    if (!this.position || !this.isReplay || this.isDragged) return;
    const { state, at_ms, speed } = this.position;
    const passedMs = state === "playing" ? (nowMs - this.heardAtMs) * speed : 0;
    this.showTime(Math.min(at_ms + passedMs, this.span.to));
  }

  private get span(): { from: number; to: number } {
    const at = this.position?.at_ms ?? 0;
    return { from: this.position?.from_ms ?? at, to: this.position?.to_ms ?? at };
  }

  /** Whether it plays, or will once the moment that is being gone to is there. */
  private get isToPlay(): boolean {
    return this.isReplay && !this.connection.isPaused && this.position?.state !== "ended";
  }

  private get speed(): number {
    return Number(select("speed").value);
  }

  private goLive(): void {
    this.connection.live();
  }

  private beginReplay(): void {
    const span = Number(select("span").value);
    this.start(span > 0 ? Date.now() - span * 1000 : null, null);
  }

  private start(from: number | null, to: number | null): void {
    const stream = this.streamOf();
    this.connection.replay({ from_ms: from, to_ms: to, streams: stream === null ? null : [stream], speed: this.speed });
  }

  private toggle(): void {
    if (!this.position || !this.isReplay) return;
    if (this.isToPlay) {
      this.connection.pause();
    } else {
      if (this.position.state === "ended") this.connection.seek(this.span.from);
      this.connection.play();
    }
    this.render();
  }

  private drag(atMs: number): void {
    this.isDragged = true;
    this.showTime(atMs);
    this.soughtMs = atMs;
    // A drag asks a few times a second, and at last for where it ends.
    this.seekTimer ||= window.setTimeout(() => {
      this.seekTimer = 0;
      this.connection.seek(this.soughtMs);
    }, SEEK_EVERY_MS);
  }

  private seek(atMs: number): void {
    if (!this.position || !this.isReplay || !Number.isFinite(atMs)) return;
    const within = Math.min(Math.max(atMs, this.span.from), this.span.to);
    this.connection.seek(within);
    this.position = { ...this.position, at_ms: within };
    this.showTime(within);
  }

  private listen(event: KeyboardEvent): void {
    if (!this.isReplay || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target } = event;
    if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
    if (event.key === " " && !(target instanceof HTMLButtonElement)) {
      event.preventDefault();
      this.toggle();
    }
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (way && !event.shiftKey) this.seek(Number(input("time").value) + way * KEY_STEP_MS);
    const fine = { ",": -1, ".": 1 }[event.key];
    if (fine) this.seek(Number(input("time").value) + fine * FINE_STEP_MS);
  }

  private render(): void {
    const { position, isReplay } = this;
    document.body.dataset["mode"] = isReplay ? "replay" : "live";
    button("live").setAttribute("aria-pressed", String(!isReplay));
    button("replay").setAttribute("aria-pressed", String(isReplay));
    const { isToPlay } = this;
    button("play").disabled = !isReplay;
    button("play").dataset["state"] = isToPlay ? "playing" : "paused";
    setText(part("play-label"), isToPlay ? "Pause" : position?.state === "ended" ? "Again" : "Play");
    select("speed").disabled = !isReplay;
    const slider = input("time");
    slider.disabled = !isReplay;
    if (!position || !isReplay) {
      setText(part("time-now"), "Live");
      slider.setAttribute("aria-valuetext", "live");
      return;
    }
    const { from, to } = this.span;
    slider.min = String(from);
    slider.max = String(Math.max(to, from + 1));
    slider.disabled = from === to;
    if (!this.isDragged) this.showTime(position.at_ms);
  }

  private showTime(atMs: number): void {
    if (!this.position) return;
    const slider = input("time");
    slider.value = String(atMs);
    const words = wordsFor(this.position.state, atMs, this.span.to);
    setText(part("time-now"), words);
    slider.setAttribute("aria-valuetext", words);
  }
}

function wordsFor(state: Position["state"], atMs: number, toMs: number): string {
  return state === "seeking" ? `Going to ${clock(atMs)}…` : `${clock(atMs)} of ${timeOfDay(toMs)}`;
}

/** The time of day, and the date where it is not today's. */
function clock(ms: number): string {
  const at = new Date(ms);
  const isToday = at.toDateString() === new Date().toDateString();
  return `${isToday ? "" : `${at.toLocaleDateString()} `}${timeOfDay(ms)}`;
}

function timeOfDay(ms: number): string {
  return new Date(ms).toLocaleTimeString([], { hour12: false, hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
