// A performer's last states, and what is shown of them at a moment between two.

import type { Skeleton } from "./skeleton";
import { blend, blendRotations } from "./space";
import { copyState, makeState, type State } from "./wire";

const KEPT = 8;
/** Nothing is made up for a time of which nothing was heard: the earlier state is held through longer gaps. */
const GAP_MS = 250;

export class Track {
  readonly shown: State;
  private readonly ring: State[];
  private newest = -1;
  private count = 0;

  constructor(skeleton: Skeleton) {
    this.shown = makeState(skeleton);
    this.ring = Array.from({ length: KEPT }, () => makeState(skeleton));
  }

  note(state: State): void {
    // A clock that was set back starts anew.
    if (this.count > 0 && state.atMs <= this.ring[this.newest].atMs) this.count = 0;
    this.newest = (this.newest + 1) % KEPT;
    copyState(state, this.ring[this.newest]);
    this.count = Math.min(this.count + 1, KEPT);
  }

  /** Brings `shown` to the service's time `atMs`: between two states, else the nearest one. */
  show(atMs: number): State {
    for (let back = 0; back < this.count; back++) {
      const earlier = this.ring[(this.newest - back + KEPT) % KEPT];
      if (earlier.atMs > atMs && back < this.count - 1) continue;
      if (back === 0 || earlier.atMs > atMs) {
        copyState(earlier, this.shown);
      } else {
        this.showBetween(earlier, this.ring[(this.newest - back + 1 + KEPT) % KEPT], atMs);
      }
      break;
    }
    return this.shown;
  }

  private showBetween(earlier: State, later: State, atMs: number): void {
    const apart = later.atMs - earlier.atMs;
    const share = apart > GAP_MS ? 0 : (atMs - earlier.atMs) / apart;
    const { shown } = this;
    copyState(earlier, shown);
    shown.atMs = atMs;
    blendRotations(earlier.rotations, later.rotations, share, shown.rotations);
    blend(earlier.root, later.root, share, shown.root);
    blend(earlier.shapes, later.shapes, share, shown.shapes);
  }
}
