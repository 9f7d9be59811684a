// The page put together: what the service says, what is drawn of it, and what the person chose.

import { ServiceClock } from "./clock";
import { AvatarConnection, type Standing } from "./connection";
import { Crowd, type Player } from "./crowd";
import { hasWebGl, type Drawing, type Kind } from "./drawing";
import { canvas, element, input, part, setText } from "./elements";
import { FlatStage } from "./flat";
import { rememberKey } from "./key";
import { Labels } from "./labels";
import { LatencyLog } from "./latency";
import { Models } from "./models";
import { readOptions } from "./options";
import { Panel } from "./panel";
import type { Skeleton } from "./skeleton";
import { Stage } from "./stage";
import { Timeline } from "./timeline";
import type { Position } from "./wire";

const PANEL_EVERY_MS = 250;

const options = readOptions(location.search);
const models = new Models();
const clock = new ServiceClock();
const latency = new LatencyLog();
const labels = new Labels(part("labels"));

let crowd: Crowd | null = null;
let drawing: Drawing | null = null;
let players: Player[] = [];
let arranged = "";
let standing: Standing = "connecting";
let drawnAtMs = 0;
let panelAtMs = 0;
let framesDrawn = 0;

const streamAddress = new URL("stream", location.href);
streamAddress.protocol = streamAddress.protocol.replace("http", "ws");
streamAddress.search = "";

const connection = new AvatarConnection(streamAddress.href, {
  stands(now, sentence) {
    standing = now;
    if (now === "open") showProblem("");
    else clock.forget();
    showStanding(sentence);
    showGate(now === "key", sentence);
  },
  knows: setStage,
  casts(performers) {
    crowd?.castAnew(performers);
    panel.offer(crowd?.cast ?? []);
  },
  shows(state) {
    crowd?.note(state);
  },
  heard(serviceMs) {
    clock.note(serviceMs, performance.now());
  },
  isAt(position) {
    timeline.note(position, performance.now());
    showStanding("");
  },
  fails: showProblem,
});
const panel = new Panel(options, models, {
  changed(isFramingAsked) {
    latency.forget();
    arrange(isFramingAsked);
  },
  changedModel: (stream) => drawing?.changeModel(stream),
  failed: showProblem,
});
const timeline = new Timeline(connection, () => options.performer, () => latency.forget());

document.body.classList.toggle("bare", !options.ui);
new ResizeObserver(() => resize()).observe(part("stage"));
part("problem-close").addEventListener("click", () => showProblem(""));
element("gate", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  rememberKey(input("key").value.trim());
  connection.open();
});
connection.open();
timeline.begin(options);
requestAnimationFrame(draw);

function setStage(skeleton: Skeleton): void {
  const isSame = crowd !== null && crowd.skeleton.bones.join() === skeleton.bones.join();
  crowd = new Crowd(isSame && crowd ? crowd.skeleton : skeleton);
  players = [];
  arranged = "";
  if (isSame) return;
  const surface = canvas("drawing");
  if (!options.flat && hasWebGl()) {
    drawing = new Stage(surface, skeleton, models, options, labels, showProblem);
  } else {
    drawing = new FlatStage(surface, skeleton, options, labels);
    part("flat-note").hidden = options.flat;
  }
  resize();
}

function resize(): void {
  const { clientWidth, clientHeight } = part("stage");
  drawing?.resize(clientWidth, clientHeight);
  arrange(false);
}

function arrange(isFramingAsked: boolean): void {
  if (!crowd || !drawing) return;
  const { clientWidth, clientHeight } = part("stage");
  players = crowd.choose(options.performer);
  arranged = keyOf(players);
  crowd.arrange(players, clientWidth / Math.max(1, clientHeight));
  drawing.arrange(players, isFramingAsked);
  showWhoIsMissing();
}

/** Also where the same ones have gone and come again since: their players are others then. */
function isAnother(shown: readonly Player[]): boolean {
  return keyOf(shown) !== arranged || shown.some((player, index) => player !== players[index]);
}

function keyOf(shown: readonly Player[]): string {
  return shown.map(({ performer }) => JSON.stringify([performer.number, performer.stream, performer.avatar])).join();
}

function draw(nowMs: number): void {
  requestAnimationFrame(draw);
  const stepS = (nowMs - drawnAtMs) / 1000;
  drawnAtMs = nowMs;
  if (!crowd || !drawing) return;
  if (isAnother(crowd.choose(options.performer))) arrange(false);
  for (const player of players) {
    const atMs = clock.isKnown ? clock.at(nowMs) - clock.behindMs : Infinity;
    player.show(atMs, player.performer.mirror !== options.mirror, players.length === 1);
  }
  drawing.draw(players, stepS);
  framesDrawn += 1;
  measure(nowMs);
  timeline.pass(nowMs);
}

function measure(nowMs: number): void {
  const first = players.length > 0 && !timeline.isReplay ? players[0] : null;
  if (first?.isTracked && clock.isKnown) {
    const { capturedMs, receivedMs } = first.track.shown;
    latency.note(capturedMs, receivedMs, clock.at(nowMs), nowMs);
  }
  if (nowMs - panelAtMs < PANEL_EVERY_MS || !options.ui) return;
  panelAtMs = nowMs;
  panel.showLatency(latency, first?.performer.stream ?? null, nowMs);
}

function showStanding(sentence: string): void {
  const isOpen = standing === "open";
  const tone = { connecting: "busy", open: "good", waiting: "warn", refused: "bad", key: "warn" }[standing];
  part("status").dataset["tone"] = tone;
  setText(part("status-text"), isOpen ? (timeline?.isReplay ? "Replay" : "Live") : standing === "key" ? "Locked" : sentence);
}

function showGate(isAsked: boolean, sentence: string): void {
  const gate = part("gate");
  if (isAsked) setText(part("gate-text"), sentence || "Its owner set one.");
  if (gate.hidden === !isAsked) return;
  gate.hidden = !isAsked;
  if (isAsked) input("key").focus();
}

function showProblem(sentence: string): void {
  part("problem").hidden = sentence === "";
  setText(part("problem-text"), sentence);
}

function showWhoIsMissing(): void {
  const empty = part("empty");
  empty.hidden = players.length > 0;
  const who = options.performer === null ? "Nobody is on stage" : `${options.performer} is not on stage`;
  setText(empty, `${who}. Avatars appear here as soon as their streams are being published.`);
}

declare global {
  interface Window {
    /** What is drawn, to be read by tests and by the curious. */
    avatarViewer: {
      readonly frames: number;
      readonly kinds: Record<string, Kind>;
      readonly replay: Position | null;
      jointsOnScreen(stream: string): Record<string, [number, number]>;
    };
  }
}

window.avatarViewer = Object.freeze({
  get frames() {
    return framesDrawn;
  },
  get kinds() {
    return drawing?.kinds ?? {};
  },
  get replay() {
    return timeline.at;
  },
  jointsOnScreen: (stream: string) => drawing?.jointsOnScreen(stream) ?? {},
});
