// The performers' names over their heads, as text of the page: sharp at every size, and read by screen readers.

const NARROW_PX = 80;

export class Labels {
  private readonly made = new Map<string, HTMLElement>();

  constructor(private readonly box: HTMLElement) {}

  /** Keeps labels of these alone. */
  keep(streams: readonly string[]): void {
    const wanted = new Set(streams);
    for (const [stream, label] of this.made) {
      if (wanted.has(stream)) continue;
      label.remove();
      this.made.delete(stream);
    }
    for (const stream of streams) {
      if (this.made.has(stream)) continue;
      const label = document.createElement("li");
      label.textContent = stream;
      this.made.set(stream, label);
      this.box.append(label);
    }
  }

  /** `x` and `y` are pixels of the stage; outside it the name is not shown. */
  place(stream: string, x: number, y: number, isTracked: boolean): void {
    const label = this.made.get(stream);
    if (!label) return;
    label.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -100%)`;
    const state = isTracked ? "tracked" : "lost";
    if (label.dataset["state"] !== state) {
      label.dataset["state"] = state;
      label.title = isTracked ? "" : "Not seen just now";
    }
  }

  /** `between` is how far apart those side by side stand, in pixels: no name is wider than that where it is little. */
  fit(between: number): void {
    const isNarrow = between < NARROW_PX;
    if (isNarrow) this.box.style.setProperty("--between", `${Math.floor(between) - 2}px`);
    this.box.classList.toggle("narrow", isNarrow);
  }

  show(areShown: boolean): void {
    this.box.hidden = !areShown;
  }
}
