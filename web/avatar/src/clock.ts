// The service's time here. Each message says when it was sent; the one that travelled shortest in the last ten seconds
// is taken to have taken no time, so what is shown as latency lacks the shortest way over the network.

const WINDOW_MS = 10_000;
const STATE_EVERY_MS = 1000 / 60;
const STEADIED_OVER = 10;
/** In states' intervals: a later one is at hand to go towards, also when it comes somewhat late. */
const BEHIND = 1.5;
const FURTHEST_BEHIND_MS = 80;

export class ServiceClock {
  private heard: { at: number; offset: number }[] = [];
  private intervalMs = STATE_EVERY_MS;
  private lastMs = 0;

  note(serviceMs: number, nowMs: number): void {
    const sinceMs = serviceMs - this.lastMs;
    if (this.lastMs > 0 && sinceMs > 0) this.intervalMs += (Math.min(sinceMs, 1000) - this.intervalMs) / STEADIED_OVER;
    this.lastMs = serviceMs;
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

  /** How far behind the service's time avatars are shown. */
  get behindMs(): number {
    return Math.min(BEHIND * this.intervalMs, FURTHEST_BEHIND_MS);
  }

  /** The service's time at a moment of this page's clock. */
  at(nowMs: number): number {
    return nowMs + (this.heard[0]?.offset ?? 0);
  }
}
