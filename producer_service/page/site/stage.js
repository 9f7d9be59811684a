// The stage: a picture, or the live video behind it, and the landmarks over it.

import { drawLandmarks } from "./drawing.js";
import { fitInside } from "./geometry.js";

export class Stage {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLVideoElement} video shown behind the canvas while it plays
   * @param {object} strokes of connections.json
   */
  constructor(canvas, video, strokes) {
    this.canvas = canvas;
    this.video = video;
    this.strokes = strokes;
    this.flipped = false;
    this.hidden = false;
    this.picture = null;
    this.size = null;
    this.parts = new Map();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Show landmarks over `picture` (anything a canvas can draw), or over the video where it is null. */
  show(picture, size, parts) {
    this.picture = picture;
    this.size = size;
    this.parts = parts;
    this.draw();
  }

  setFlipped(flipped) {
    this.flipped = flipped;
    this.draw();
  }

  /** With `hidden` the landmarks alone are shown. */
  setHidden(hidden) {
    this.hidden = hidden;
    this.draw();
  }

  clear() {
    this.show(null, null, new Map());
  }

  draw() {
    const { canvas, video } = this;
    video.classList.toggle("flipped", this.flipped);
    video.classList.toggle("unseen", this.hidden);
    const pixels = Math.min(2, window.devicePixelRatio || 1);
    const box = { width: Math.round(canvas.clientWidth * pixels), height: Math.round(canvas.clientHeight * pixels) };
    if (canvas.width !== box.width || canvas.height !== box.height) Object.assign(canvas, box);
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, box.width, box.height);
    const size = this.size ?? { width: video.videoWidth, height: video.videoHeight };
    // A phone's stage takes the picture's shape.
    if (size.width) canvas.parentElement.style.setProperty("--shape", `${size.width} / ${size.height}`);
    const place = fitInside(size, box);
    if (this.picture && !this.hidden) drawPicture(context, this.picture, place, this.flipped);
    drawLandmarks(context, this.strokes, this.parts, place, this.flipped);
  }
}

function drawPicture(context, picture, place, flipped) {
  context.save();
  if (flipped) {
    context.translate(2 * place.left + place.width, 0);
    context.scale(-1, 1);
  }
  context.drawImage(picture, place.left, place.top, place.width, place.height);
  context.restore();
}
