// The page put together: what is heard, what is shown of it, and what the person chose.

import { Announcer } from "./announcer.js";
import { drawSkeleton } from "./drawing.js";
import { EventList } from "./event_list.js";
import { Feed } from "./feed.js";
import { History } from "./history.js";
import { recallKey, rememberKey } from "./session.js";
import { SkeletonConnection } from "./skeleton.js";
import { Streams } from "./streams.js";
import { Timeline } from "./timeline.js";
import { CATEGORIES, categoryOf, durationOf, kindOf, subjectOf } from "./words.js";

const DRAW_EVERY_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1_000 : 200;
const SILENT_MS = 10_000;
const STALE_MS = 3_000;
const byId = (id) => document.getElementById(id);

const feed = new Feed();
const streams = new Streams();
const skeleton = new SkeletonConnection();
const history = new History();
const list = new EventList(byId("events"));
const timeline = new Timeline(byId("timeline"));
const announcer = new Announcer(byId("announcer"));
const hidden = new Set();
const openedAtMs = Date.now();

let connection = { state: "connecting", sentence: "" };
let service = null;
let table = null;
let frame = null;
let frameAtMs = 0;
let watched = null;
let paused = false;
let heard = 0;
let heardAtPause = 0;

function isShown(entry) {
  const stream = byId("stream").value;
  return !hidden.has(categoryOf(entry.event).name) && (!stream || entry.event.stream_id === stream);
}

feed.addEventListener("state", ({ detail }) => {
  connection = detail;
  if (detail.state === "key") askKey(detail.sentence);
  if (detail.state === "open") streams.open(recallKey());
  showStanding();
});

feed.addEventListener("said", ({ detail: { event, data } }) => {
  if (event === "state") {
    service = data;
    showStanding();
  } else if (event === "gap") {
    showProblem(`Some events may be missing here: ${data.message}.`, "warn");
  } else if (event !== "cut") {
    take(data);
  }
});

function take(event) {
  const { entry } = history.note(event, Date.now());
  heard += 1;
  showCounts();
  if (paused) return;
  if (isShown(entry)) list.show(entry);
  byId("events-empty").hidden = list.size > 0;
  // What the page was told of the past when it was opened is not news.
  if (Date.parse(event.feed.published_at) > openedAtMs + streams.aheadMs) announcer.say(event);
}

streams.addEventListener("change", () => {
  for (const { stream_id, open } of streams.all) {
    history.settle(stream_id, new Set(open.map(({ gesture_id }) => gesture_id)), streams.askedAtMs);
  }
  offerStreams();
  chooseWatched();
});

skeleton.addEventListener("frame", ({ detail }) => {
  if (paused) return;
  frame = detail;
  frameAtMs = Date.now();
  drawSkeleton(byId("drawing"), frame, table);
  showStage();
});

function offerStreams() {
  const select = byId("stream");
  const names = streams.all.map(({ stream_id }) => stream_id);
  if (select.value && !names.includes(select.value)) names.push(select.value);
  names.sort((one, other) => one.localeCompare(other));
  const offered = [...select.options].slice(1).map(({ value }) => value);
  if (offered.join("\n") === names.join("\n")) return;
  const chosen = select.value;
  select.replaceChildren(select.options[0], ...names.map((name) => new Option(name, name)));
  select.value = chosen;
}

/** The stream whose skeleton is shown: the one chosen, else one that moves, and that one for as long as it does. */
function chooseWatched() {
  const chosen = byId("stream").value;
  const isMoving = (stream) => streams.serviceNowMs() - Date.parse(stream?.frame_seen_at) < SILENT_MS;
  let wanted = chosen || watched;
  if (!chosen && !isMoving(streams.find(watched))) {
    wanted = (streams.all.find(isMoving) ?? streams.all.find((stream) => stream.last_frame_at))?.stream_id ?? watched;
  }
  if (wanted !== watched) {
    watched = wanted;
    frame = null;
    drawSkeleton(byId("drawing"), null, table);
  }
  skeleton.watch(watched, recallKey());
  showStage();
}

function showStage() {
  const chip = byId("stage-name");
  const agoMs = Date.now() - frameAtMs;
  chip.hidden = !watched;
  chip.textContent = !frame || agoMs < STALE_MS || paused ? watched : `${watched} · ${durationOf(agoMs / 1000)} ago`;
  byId("stage-empty").hidden = frame !== null;
  const trouble = service?.skeletons.state === "topic_absent" ? `No skeletons: ${service.skeletons.message}.` : "";
  write("stage-empty", trouble || (watched ? "No frames of this stream yet." : "No frames yet. Skeletons appear here once a stream is being published."));
  const going = history.entries.filter(({ event, endMs }) => endMs === null && event.stream_id === watched);
  byId("stage-now").hidden = going.length === 0;
  write("stage-now", going.slice(-3).map(({ event }) => `${categoryOf(event).glyph} ${kindOf(event)}, ${subjectOf(event)}`).join("   "));
}

function drawTimeline() {
  if (document.hidden || paused) return;
  const entries = history.entries.filter(isShown);
  const names = [...new Set(entries.map(({ event }) => event.stream_id).reverse())];
  const lines = names.map((name) => ({
    name,
    nowMs: streams.nowMs(streams.find(name)),
    entries: entries.filter(({ event }) => event.stream_id === name),
  }));
  const spanS = Number(byId("span").value);
  const busy = lines.filter(({ nowMs, entries: own }) => own.some(({ endMs }) => endMs === null || endMs > nowMs - spanS * 1000));
  busy.sort((one, other) => one.name.localeCompare(other.name));
  timeline.draw(busy, spanS);
  byId("timeline-empty").hidden = busy.length > 0;
  write("timeline-empty", entries.length ? "Nothing happened in this time." : "Each stream gets a line here once something happens in it.");
  showStage();
}

function showAll() {
  list.showAll(history.entries.filter(isShown));
  showCounts();
  drawTimeline();
}

function showCounts() {
  const more = heard - heardAtPause;
  write("count", paused ? `paused${more ? `, ${more} more` : ""}` : heard ? `${heard} heard` : "");
  byId("events-empty").hidden = list.size > 0;
  write("events-empty", heard ? "Nothing of what is chosen has happened yet." : "Nothing has happened yet. Events appear here as they are found.");
}

function showStanding() {
  const events = service?.events;
  if (connection.state === "key") {
    showStatus("idle", "Locked");
  } else if (connection.state === "connecting") {
    showStatus("busy", "Connecting…");
  } else if (connection.state === "waiting") {
    showStatus("bad", "Reconnecting…");
    showProblem(connection.sentence, "bad");
  } else if (!events || events.state === "connecting") {
    showStatus("busy", "Waiting for Kafka…");
  } else if (events.state === "following") {
    showStatus(paused ? "idle" : "good", paused ? "Paused" : "Live");
    if (byId("problem").dataset.tone === "bad") clearProblem();
  } else {
    const title = { topic_absent: "No topic yet", kafka_away: "Kafka is away", kafka_refused: "Kafka refuses" };
    showStatus("warn", title[events.state] ?? events.state);
    showProblem(`${endSentence(events.message)} This page goes on by itself once that is over.`, "bad");
  }
}

function showStatus(tone, text) {
  byId("status").dataset.tone = tone;
  write("status-text", text);
}

function showProblem(sentence, tone) {
  byId("problem").dataset.tone = tone;
  byId("problem").hidden = false;
  write("problem-text", sentence);
}

function clearProblem() {
  byId("problem").hidden = true;
  write("problem-text", "");
}

function endSentence(text) {
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** The same words again would be read out again. */
function write(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

function askKey(sentence) {
  byId("gate").hidden = false;
  byId("main").hidden = true;
  clearProblem();
  if (sentence) write("gate-text", sentence);
  byId("key").focus();
}

function offerCategories() {
  byId("categories").replaceChildren(
    ...CATEGORIES.map(({ name, title, glyph }) => {
      const button = Object.assign(document.createElement("button"), { type: "button" });
      button.dataset.category = name;
      button.setAttribute("aria-pressed", "true");
      const sign = Object.assign(document.createElement("span"), { className: "glyph", textContent: glyph });
      sign.setAttribute("aria-hidden", "true");
      button.append(sign, title);
      button.onclick = () => {
        if (!hidden.delete(name)) hidden.add(name);
        button.setAttribute("aria-pressed", String(!hidden.has(name)));
        showAll();
      };
      return button;
    }),
  );
}

byId("gate").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  rememberKey(byId("key").value.trim());
  byId("gate").hidden = true;
  byId("main").hidden = false;
  feed.open(recallKey());
});

byId("stream").addEventListener("change", () => {
  chooseWatched();
  showAll();
});

byId("span").addEventListener("change", drawTimeline);

byId("pause").addEventListener("click", () => {
  paused = !paused;
  heardAtPause = heard;
  byId("pause").setAttribute("aria-pressed", String(paused));
  write("pause-label", paused ? "Go on" : "Pause");
  if (!paused) showAll();
  showCounts();
  showStanding();
});

new ResizeObserver(() => table && drawSkeleton(byId("drawing"), frame, table)).observe(byId("stage"));

offerCategories();
const answer = await fetch("strokes.json");
table = await answer.json();
feed.open(recallKey());
setInterval(drawTimeline, DRAW_EVERY_MS);
