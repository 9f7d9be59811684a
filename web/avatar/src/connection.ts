// The WebSocket to the service: opened again by itself, each time with what the person had asked for.

import { ask, offeredProtocols, recallKey } from "./key";
import { Skeleton, VERSION, type Hello } from "./skeleton";
import { makeState, readStates, type Performer, type Position, type State } from "./wire";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

export type Standing = "connecting" | "open" | "waiting" | "refused" | "key";

export interface Listener {
  stands(standing: Standing, sentence: string): void;
  knows(skeleton: Skeleton): void;
  casts(performers: Performer[]): void;
  shows(state: State): void;
  heard(serviceMs: number): void;
  isAt(position: Position): void;
  fails(sentence: string): void;
}

export interface ReplayWish {
  from_ms: number | null;
  to_ms: number | null;
  streams: string[] | null;
  speed: number;
}

export class AvatarConnection {
  private socket: WebSocket | null = null;
  private skeleton: Skeleton | null = null;
  private recordBytes = 0;
  private scratch: State | null = null;
  private waitMs = FIRST_WAIT_MS;
  private timer = 0;
  private wish: ReplayWish | null = null;
  private resumeAtMs: number | null = null;
  /** Of a replay: whether it is paused, or will be once the moment that is being gone to is there. */
  isPaused = false;

  constructor(
    private readonly address: string,
    private readonly listener: Listener,
  ) {}

  open(): void {
    clearTimeout(this.timer);
    this.socket?.close();
    this.listener.stands("connecting", "Connecting…");
    const socket = new WebSocket(this.address, offeredProtocols(recallKey()));
    let wasOpen = false;
    socket.onopen = () => (wasOpen = true);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (socket === this.socket) this.hear(data);
    };
    socket.onclose = () => {
      if (socket === this.socket) void this.lose(wasOpen);
    };
    this.socket = socket;
  }

  /** Turns this connection into a replay; a connection that is lost goes on with it where it was. */
  replay(wish: ReplayWish): void {
    this.wish = wish;
    this.resumeAtMs = null;
    this.isPaused = false;
    this.say({ type: "replay", ...wish });
  }

  live(): void {
    this.wish = null;
    this.say({ type: "live" });
  }

  play(): void {
    this.isPaused = false;
    this.say({ type: "play" });
  }

  pause(): void {
    this.isPaused = true;
    this.say({ type: "pause" });
  }

  seek(atMs: number): void {
    this.resumeAtMs = atMs;
    this.say({ type: "seek", at_ms: Math.round(atMs) });
  }

  setSpeed(speed: number): void {
    if (this.wish) this.wish.speed = speed;
    this.say({ type: "speed", speed });
  }

  private say(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private hear(data: string | ArrayBuffer): void {
    if (typeof data !== "string") {
      this.hearStates(data);
      return;
    }
    const message = JSON.parse(data) as { type: string };
    switch (message.type) {
      case "hello":
        this.greet(message as unknown as Hello);
        break;
      case "cast":
        this.listener.casts((message as unknown as { performers: Performer[] }).performers);
        break;
      case "position":
        this.note(message as unknown as Position);
        break;
      case "error":
        this.listener.fails((message as unknown as { message: string }).message);
        break;
    }
  }

  private hearStates(data: ArrayBuffer): void {
    if (!this.skeleton || !this.scratch) return;
    let wasHeard = false;
    readStates(data, this.skeleton, this.recordBytes, this.scratch, (state) => {
      if (!wasHeard) this.listener.heard(state.atMs);
      wasHeard = true;
      this.listener.shows(state);
    });
  }

  private greet(hello: Hello): void {
    if (hello.version !== VERSION) {
      this.listener.stands("refused", "Another version");
      this.listener.fails("The service speaks another version than this page: load the page again.");
      return;
    }
    this.waitMs = FIRST_WAIT_MS;
    this.skeleton = new Skeleton(hello);
    this.recordBytes = hello.record_bytes;
    this.scratch = makeState(this.skeleton);
    this.listener.knows(this.skeleton);
    this.listener.stands("open", "Connected");
    if (!this.wish) return;
    this.say({ type: "replay", ...this.wish });
    if (this.resumeAtMs !== null) this.say({ type: "seek", at_ms: Math.round(this.resumeAtMs) });
    if (this.isPaused) this.say({ type: "pause" });
  }

  private note(position: Position): void {
    if (position.mode === "replay") {
      this.resumeAtMs = position.at_ms;
      // While a moment is being gone to, the service says neither: what was wished last holds.
      if (position.state !== "seeking") this.isPaused = position.state === "paused";
    }
    this.listener.isAt(position);
  }

  private async lose(wasOpen: boolean): Promise<void> {
    const { socket } = this;
    // A browser does not say why a WebSocket was not let in: a request of the same rights is told.
    const answer = wasOpen ? null : await ask("performers").catch(() => null);
    if (socket !== this.socket) return;
    if (answer?.status !== 401) {
      this.wait();
      return;
    }
    this.listener.stands("key", recallKey() ? "That key is not the right one." : "");
  }

  private wait(): void {
    // So that a service that comes back is not met by all its readers at once.
    const waitMs = this.waitMs * (0.5 + Math.random() / 2);
    this.waitMs = Math.min(this.waitMs * 2, LONGEST_WAIT_MS);
    this.listener.stands("waiting", "Connection lost, trying again…");
    this.timer = window.setTimeout(() => this.open(), waitMs);
  }
}
