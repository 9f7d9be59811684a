// The page: what a person does, and what follows from it.

import { explainCamera, looksAtItsUser, openCamera } from "./cameras.js";
import { StreamConnection } from "./connection.js";
import { Consent } from "./consent.js";
import { acceptDrops, readFile } from "./files.js";
import { Flow } from "./flow.js";
import { watchFrames } from "./frames.js";
import { mustFlip } from "./geometry.js";
import { Panel } from "./panel.js";
import { photograph } from "./photograph.js";
import { Settings } from "./settings.js";
import { Stage } from "./stage.js";
import { clearProblem, showProblem, showStatus } from "./status.js";
import { Tally } from "./tally.js";

const FIGURES_EVERY_MS = 250;
const PATIENCE_MS = 8000;
const NOTHING = { framesPerS: null, roundTripMs: null, steps: null };

const byId = (id) => document.getElementById(id);
const video = byId("video");

class Page {
  constructor(strokes) {
    this.stage = new Stage(byId("drawing"), video, strokes);
    this.tally = new Tally();
    this.panel = new Panel();
    this.connection = new StreamConnection();
    this.flow = new Flow(this.connection, this.tally);
    this.settings = new Settings((name) => this.apply(name));
    this.consent = new Consent((wish) => this.begin(wish));
    this.source = null;
    this.stopWatching = () => {};
    this.mirrorTouched = false;
    this.viewAsInMirror = true;
    this.linkState = "closed";
  }

  start() {
    this.connection.addEventListener("state", ({ detail }) => this.followConnection(detail));
    this.flow.addEventListener("outcome", ({ detail }) => this.showOutcome(detail));
    this.flow.addEventListener("broken", ({ detail }) => showProblem(detail.sentence));
    byId("camera").onclick = () => (this.source?.kind === "camera" ? this.stop() : this.begin("camera"));
    byId("welcome-camera").onclick = () => this.begin("camera");
    byId("welcome-file").onclick = byId("choose").onclick = () => this.begin("file");
    byId("file").onchange = ({ target }) => {
      if (target.files[0]) this.takeFile(target.files[0]);
      target.value = "";
    };
    byId("pause").onclick = () => this.setPaused(!this.flow.paused);
    byId("mirror").onclick = () => {
      this.mirrorTouched = true;
      this.setMirror(!this.viewAsInMirror);
    };
    byId("hide").onclick = () => {
      this.stage.setHidden(!this.stage.hidden);
      byId("hide").setAttribute("aria-pressed", String(this.stage.hidden));
    };
    byId("withdraw").onclick = () => this.withdraw();
    acceptDrops(document, byId("drop"), (file) => this.takeFile(file));
    video.onended = () => this.endVideo();
    video.onloadedmetadata = video.onresize = () => this.stage.draw();
    addEventListener("pagehide", () => this.stop());
    setInterval(() => this.showFigures(), FIGURES_EVERY_MS);
    this.applyQuality();
    this.setMirror(this.viewAsInMirror);
    this.settings.listCameras();
    this.showWhatIsAsked();
    showStatus("idle", "Ready");
  }

  /** `camera` or `file`, if that was agreed to. */
  begin(wish) {
    if (!this.consent.given) {
      this.showWhatIsAsked();
      byId("agree").focus();
      showStatus("warn", "Read what is captured, and agree, first");
      return;
    }
    this.showWhatIsAsked();
    if (wish === "camera") this.startCamera();
    else byId("file").click();
  }

  async startCamera() {
    this.stop();
    showStatus("busy", "Asking for the camera…");
    const source = { kind: "camera", startedAtMs: null };
    this.setSource(source);
    let media;
    try {
      media = await openCamera(this.settings.camera, this.settings.longest);
    } catch (error) {
      if (this.source !== source) return;
      this.stop();
      showProblem(explainCamera(error), () => this.startCamera());
      showStatus("bad", "No camera");
      return;
    }
    if (this.source !== source) {
      for (const track of media.getTracks()) track.stop();
      return;
    }
    source.media = media;
    media.getVideoTracks()[0].onended = () => {
      this.stop();
      showProblem("The camera was unplugged, or taken back.", () => this.startCamera());
    };
    if (!this.mirrorTouched) this.setMirror(looksAtItsUser(media));
    this.settings.listCameras();
    video.srcObject = media;
    await this.play();
  }

  /** A photo or a video a person chose or dropped. */
  async takeFile(file) {
    if (!this.consent.given) return this.begin("file");
    this.stop();
    showStatus("busy", "Opening the file…");
    let opened;
    try {
      opened = await readFile(file);
    } catch (error) {
      showProblem(error.message);
      showStatus("idle", "Ready");
      return;
    }
    if (!this.mirrorTouched) this.setMirror(false);
    this.setSource(opened);
    if (opened.kind === "photo") {
      await this.sendPhoto();
      return;
    }
    video.src = opened.address;
    await this.play();
  }

  async sendPhoto() {
    const source = this.source;
    showStatus("busy", "Looking at the photo…");
    this.stage.show(source.bitmap, source.size, new Map());
    try {
      this.panel.showSpeed(NOTHING);
      const outcome = await photograph(source, this.wanted(), this.settings.quality, this.tally);
      if (this.source !== source) return;
      const { steps } = outcome;
      this.panel.showSpeed({ framesPerS: null, roundTripMs: outcome.roundTripMs, steps });
      this.showOutcome({ ...outcome, picture: source.bitmap, size: source.size });
    } catch (error) {
      if (this.source !== source) return;
      showStatus("bad", "Photo not sent");
      showProblem(error.message, () => this.sendPhoto());
    }
  }

  async play() {
    const source = this.source;
    this.connection.open(this.wanted());
    this.stopWatching = watchFrames(video, source.startedAtMs, (capturedAtMs) => {
      this.flow.offer(video, { width: video.videoWidth, height: video.videoHeight }, capturedAtMs);
    });
    try {
      await video.play();
    } catch (error) {
      if (this.source === source && error.name !== "AbortError") showProblem(`The browser cannot play this: ${error.message}`);
    }
  }

  /** Let go of the source, and of the connection. */
  stop() {
    this.stopWatching();
    this.connection.close();
    this.source?.release?.();
    for (const track of this.source?.media?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    video.removeAttribute("src");
    video.srcObject = null;
    video.load();
    this.stage.clear();
    this.setPaused(false);
    this.setSource(null);
    // What was in the way of it is in nobody's way now.
    clearProblem();
    byId("nobody").hidden = true;
    showStatus("idle", "Ready");
  }

  withdraw() {
    this.stop();
    this.consent.withdraw();
    this.panel.clearWhere();
    this.showWhatIsAsked();
    showStatus("idle", "Consent taken back");
  }

  setPaused(paused) {
    const resumes = this.flow.paused && !paused && this.source !== null;
    this.flow.paused = paused;
    byId("pause").classList.toggle("paused", paused);
    byId("pause-label").textContent = paused ? "Resume" : "Pause";
    byId("frozen").hidden = !paused;
    if (paused) video.pause();
    if (!resumes) return this.tellLink();
    if (video.ended) video.currentTime = 0;
    video.play().catch(() => {});
    // Whoever is in the picture now may be somebody else.
    this.connection.interrupt();
    this.tellLink();
  }

  endVideo() {
    this.setPaused(true);
    byId("frozen").hidden = true;
    byId("pause-label").textContent = "Again";
    showStatus("idle", "The video has ended");
  }

  setMirror(viewAsInMirror) {
    this.viewAsInMirror = viewAsInMirror;
    byId("mirror").setAttribute("aria-pressed", String(viewAsInMirror));
    this.stage.setFlipped(mustFlip(viewAsInMirror, this.settings.sourceMirrored));
  }

  setSource(source) {
    this.source = source;
    const isCamera = source?.kind === "camera";
    byId("camera-label").textContent = isCamera ? "Stop camera" : "Camera";
    byId("camera").classList.toggle("on", isCamera);
    byId("pause").disabled = !source || source.kind === "photo";
    this.showWhatIsAsked();
  }

  showWhatIsAsked() {
    byId("gate").hidden = this.consent.given;
    byId("welcome").hidden = !this.consent.given || this.source !== null;
    byId("withdraw").hidden = !this.consent.given;
    byId("stage").dataset.empty = String(this.source === null);
  }

  /** A setting has another value. */
  apply(name) {
    if (name === "in-step") this.stage.show(null, null, this.stage.parts);
    if (name === "source-mirrored") this.setMirror(this.viewAsInMirror);
    if (name === "size" || name === "quality") this.applyQuality();
    const isMoving = this.source !== null && this.source.kind !== "photo";
    if (name === "cameras" && this.source?.kind === "camera") {
      this.mirrorTouched = false;
      this.startCamera();
    } else if (isMoving && ["stream", "key", "source-mirrored"].includes(name)) {
      this.connection.open(this.wanted());
    }
  }

  applyQuality() {
    this.flow.longest = this.settings.longest;
    this.flow.quality = this.settings.quality;
  }

  wanted() {
    const { stream, key, sourceMirrored } = this.settings;
    return { stream, key, mirrored: sourceMirrored };
  }

  followConnection({ state, sentence }) {
    this.linkState = state;
    if (state === "open") clearProblem();
    if (state === "waiting") showProblem(sentence, () => this.connection.open(this.wanted()));
    if (state === "refused") {
      showProblem(sentence, () => this.connection.open(this.wanted()));
      byId("settings").open = true;
    }
    this.tellLink();
  }

  tellLink() {
    if (!this.source || this.source.kind === "photo") return;
    if (this.flow.paused) showStatus("idle", "Paused");
    else if (this.linkState === "open") showStatus("good", "Live");
    else if (this.linkState === "connecting") showStatus("busy", "Connecting…");
    else if (this.linkState === "waiting") showStatus("warn", "Trying again");
    else if (this.linkState === "refused") showStatus("bad", "Not connected");
  }

  showOutcome({ head, parts, picture, size }) {
    const isPhoto = this.source?.kind === "photo";
    if (isPhoto) this.panel.showCounts(this.tally);
    if (head.status === "acknowledged") {
      this.panel.showWhere(this.settings.stream, head, parts);
      byId("nobody").hidden = parts.size > 0;
      if (picture && this.source) this.stage.show(isPhoto || this.settings.inStep ? picture : null, size, parts);
      if (isPhoto) showStatus("good", "Photo published");
    } else if (isPhoto) {
      byId("nobody").hidden = head.reason !== "no_person";
      this.panel.clearWhere();
      showStatus("warn", "No record of the photo");
      showProblem(head.message, null, "warn");
    }
  }

  showFigures() {
    const nowMs = performance.now();
    // A pause is no slowness, and a photo has no rate: what was measured of it stays.
    const isStill = !this.source || this.flow.paused;
    if (this.source?.kind !== "photo") this.panel.showSpeed(isStill ? NOTHING : this.tally.measure(nowMs));
    this.panel.showCounts(this.tally);
    if (this.linkState !== "open" || this.flow.paused || !this.source) return;
    const waitedMs = this.flow.oldestMs(nowMs);
    if (waitedMs > PATIENCE_MS) showStatus("warn", `No answer for ${Math.round(waitedMs / 1000)} s`);
    else this.tellLink();
  }
}

try {
  const { strokes } = await (await fetch("connections.json")).json();
  new Page(strokes).start();
} catch (error) {
  showStatus("bad", "Not started");
  showProblem(`The page could not start: ${error.message}`, () => location.reload());
}
