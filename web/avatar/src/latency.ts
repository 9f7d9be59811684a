// How old what is shown is: from capture to the service, and from there to this screen, over the last 30 seconds.

const SPAN_MS = 30_000;
const SHORTEST_STEP_MS = 10;

interface Sample {
  at: number;
  receivedAfter: number;
  shownAfter: number;
}

export interface Summary {
  p50: number;
  p95: number;
  /** Of the middle one, what passed before the service had the frame. */
  beforeService: number;
}

export class LatencyLog {
  private samples: Sample[] = [];
  private lastCapturedMs = 0;

  /** A frame that is shown for the first time; all times on the service's clock but `nowMs`. */
  note(capturedMs: number, receivedMs: number, shownMs: number, nowMs: number): void {
    if (capturedMs <= 0 || capturedMs === this.lastCapturedMs) return;
    this.lastCapturedMs = capturedMs;
    const last = this.samples[this.samples.length - 1];
    if (last && nowMs - last.at < SHORTEST_STEP_MS) return;
    this.samples.push({ at: nowMs, receivedAfter: receivedMs - capturedMs, shownAfter: shownMs - capturedMs });
    while (this.samples[0].at < nowMs - SPAN_MS) this.samples.shift();
  }

  forget(): void {
    this.samples = [];
  }

  summarise(): Summary | null {
    if (this.samples.length === 0) return null;
    const shown = this.samples.map((sample) => sample.shownAfter).sort((one, other) => one - other);
    const received = this.samples.map((sample) => sample.receivedAfter).sort((one, other) => one - other);
    return { p50: atShare(shown, 0.5), p95: atShare(shown, 0.95), beforeService: atShare(received, 0.5) };
  }

  /** Two lines over 30 seconds, and the levels of p50 and p95. */
  draw(canvas: HTMLCanvasElement, nowMs: number, colours: { line: string; soft: string; edge: string }): void {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    if (!pen) return;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const summary = this.summarise();
    if (!summary) return;
    const top = niceTop(Math.max(...this.samples.map((sample) => sample.shownAfter)));
    const x = (at: number): number => width - ((nowMs - at) / SPAN_MS) * width;
    const y = (ms: number): number => height - 2 - (Math.max(0, ms) / top) * (height - 16);
    pen.font = "11px system-ui, sans-serif";
    pen.strokeStyle = colours.edge;
    pen.fillStyle = colours.soft;
    pen.setLineDash([3, 4]);
    for (const level of [top / 2, top]) {
      line(pen, [[0, y(level)], [width, y(level)]]);
      pen.fillText(`${level} ms`, 2, y(level) - 3);
    }
    pen.setLineDash([]);
    pen.lineWidth = 1.5;
    pen.strokeStyle = colours.soft;
    line(pen, this.samples.map((sample) => [x(sample.at), y(sample.receivedAfter)]));
    pen.strokeStyle = colours.line;
    line(pen, this.samples.map((sample) => [x(sample.at), y(sample.shownAfter)]));
  }
}

function line(pen: CanvasRenderingContext2D, points: [number, number][]): void {
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y);
  pen.stroke();
}

function atShare(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** The next of 20, 40, 100, 200, 400, 1,000 … */
function niceTop(highest: number): number {
  for (let unit = 10; ; unit *= 10) {
    for (const step of [2, 4, 10]) if (highest <= step * unit) return step * unit;
    if (unit > 1e9) return unit;
  }
}
