// Landmarks as lines and points on a canvas.

import { placeX, placeY } from "./geometry.js";

export const COLOURS = { left: "#35d0ba", right: "#ff9d4d", middle: "#f4f7fb" };
const SHADOW = "rgba(4, 12, 24, 0.6)";
const SEEN = 0.5;
const VISIBILITY = 3;
// Width of lines and radius of points, as fractions of the picture's shorter side on the stage.
const STYLES = {
  face: { line: 0.0018, point: 0, alpha: 0.85 },
  pose: { line: 0.0065, point: 0.0085, alpha: 0.95 },
  left_hand: { line: 0.0042, point: 0.0052, alpha: 1 },
  right_hand: { line: 0.0042, point: 0.0052, alpha: 1 },
};

/**
 * Draw every part found.
 * @param {CanvasRenderingContext2D} context
 * @param {object} strokes what is joined to what, by part (connections.json)
 * @param {Map} parts as unpackAnswer gives them
 * @param {object} place where the picture is on the canvas
 * @param {boolean} flipped whether it is shown reflected
 */
export function drawLandmarks(context, strokes, parts, place, flipped) {
  const unit = Math.min(place.width, place.height);
  context.save();
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const [name, style] of Object.entries(STYLES)) {
    const part = parts.get(name);
    if (!part) continue;
    context.globalAlpha = style.alpha;
    for (const stroke of strokes[name]) {
      if (!parts.has(stroke.unless)) drawStroke(context, stroke, part, style, unit, place, flipped);
    }
  }
  context.restore();
}

function drawStroke(context, stroke, part, style, unit, place, flipped) {
  const at = (point) => [
    placeX(part.values[point * part.width], place, flipped),
    placeY(part.values[point * part.width + 1], place),
  ];
  const drawn = (point) =>
    point < part.points && (part.width <= VISIBILITY || part.values[point * part.width + VISIBILITY] >= SEEN);
  const lineWidth = Math.max(1, unit * style.line);

  context.beginPath();
  for (const [start, end] of stroke.lines) {
    if (!drawn(start) || !drawn(end)) continue;
    context.moveTo(...at(start));
    context.lineTo(...at(end));
  }
  if (style.point) {
    // A dark seam, so that light lines are seen on light pictures.
    context.strokeStyle = SHADOW;
    context.lineWidth = lineWidth + Math.max(2, unit * 0.004);
    context.stroke();
  }
  context.strokeStyle = COLOURS[stroke.side];
  context.lineWidth = lineWidth;
  context.stroke();
  if (style.point) drawPoints(context, stroke.points.filter(drawn).map(at), Math.max(1.5, unit * style.point), stroke);
}

function drawPoints(context, places, radius, stroke) {
  context.beginPath();
  for (const [x, y] of places) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  }
  context.fillStyle = "#0b1420";
  context.fill();
  context.strokeStyle = COLOURS[stroke.side];
  context.lineWidth = Math.max(1, radius * 0.55);
  context.stroke();
}
