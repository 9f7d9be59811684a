// The service's time here. Each message says when it was sent; the one that travelled shortest in the last ten seconds
// is taken to have taken no time, so what is shown as latency lacks the shortest way over the network.

const WINDOW_MS = 10_000;

export class ServiceClock {
  private heard: { at: number; offset: number }[] = [];

  note(serviceMs: number, nowMs: number): void {
    const offset = serviceMs - nowMs;
    // Only what may yet become the greatest is kept: in order of time, offsets fall.
    while (this.heard.length > 0 && this.heard[this.heard.length - 1].offset <= offset) this.heard.pop();
    this.heard.push({ at: nowMs, offset });
    while (this.heard[0].at < nowMs - WINDOW_MS) this.heard.shift();
  }

  forget(): void {
    this.heard = [];
  }

  get isKnown(): boolean {
    return this.heard.length > 0;
  }

  /** The service's time at a moment of this page's clock. */
  at(nowMs: number): number {
    return nowMs + (this.heard[0]?.offset ?? 0);
  }
}
