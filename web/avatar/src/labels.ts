// The performers' names over their heads, as text of the page: sharp at every size, and read by screen readers.

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

  show(areShown: boolean): void {
    this.box.hidden = !areShown;
  }
}
