// A skeleton on a canvas, as large as fits, in the middle.

const COLOURS = { left: "#35d0ba", right: "#ff9d4d", middle: "#f4f7fb" };
const SEEN = 0.5;
// Width of lines and radius of points, as fractions of the picture's shorter side.
const STYLES = {
  face: { values: 2, line: 0.0025, point: 0 },
  pose: { values: 3, line: 0.009, point: 0.0095 },
  left_hand: { values: 2, line: 0.0055, point: 0.006 },
  right_hand: { values: 2, line: 0.0055, point: 0.006 },
};
const USUAL_SIZE = { width: 16, height: 9 };

/** The largest place of the picture's shape in a box of `width` and `height`: {left, top, width, height}. */
export function fitPicture(picture, width, height) {
  const { width: across, height: down } = picture.width && picture.height ? picture : USUAL_SIZE;
  const scale = Math.min(width / across, height / down);
  const place = { width: across * scale, height: down * scale };
  return { left: (width - place.width) / 2, top: (height - place.height) / 2, ...place };
}

/** Draw a frame of /v1/skeleton/ws, or nothing for null. `table` is strokes.json. */
export function drawSkeleton(canvas, frame, table) {
  const pixels = Math.min(2, window.devicePixelRatio || 1);
  const [width, height] = [Math.round(canvas.clientWidth * pixels), Math.round(canvas.clientHeight * pixels)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  if (!frame) return;
  const place = fitPicture(frame, width, height);
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const [part, style] of Object.entries(STYLES)) {
    if (!frame[part]) continue;
    const points = readPoints(frame[part], style.values, table.unit, place);
    for (const stroke of table.strokes[part]) {
      if (stroke.unless && frame[stroke.unless]) continue;
      drawStroke(context, stroke, points, style, Math.min(place.width, place.height));
    }
  }
}

/** [x, y] on the canvas for each point, null for one that was not seen. */
function readPoints(numbers, values, unit, place) {
  const points = [];
  for (let at = 0; at < numbers.length; at += values) {
    const [x, y] = [numbers[at], numbers[at + 1]];
    const seen = x !== null && y !== null && (values < 3 || numbers[at + 2] >= SEEN * unit);
    points.push(seen ? [place.left + (x / unit) * place.width, place.top + (y / unit) * place.height] : null);
  }
  return points;
}

function drawStroke(context, { side, lines }, points, style, size) {
  const colour = COLOURS[side];
  const ends = new Set();
  context.beginPath();
  for (const [start, end] of lines) {
    if (!points[start] || !points[end]) continue;
    context.moveTo(...points[start]);
    context.lineTo(...points[end]);
    ends.add(points[start]).add(points[end]);
  }
  context.strokeStyle = colour;
  context.lineWidth = Math.max(1, size * style.line);
  context.stroke();
  if (!style.point) return;
  const radius = Math.max(1.5, size * style.point);
  context.beginPath();
  for (const [x, y] of ends) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  }
  context.fillStyle = "#0b1420";
  context.fill();
  context.lineWidth = Math.max(1, radius * 0.55);
  context.stroke();
}
