// Who is on stage, and what each shows at a moment: the same for avatars and for the flat drawing.

import { placeAll, type Place } from "./grid";
import type { Pose, Skeleton } from "./skeleton";
import { Track } from "./track";
import type { Performer, State } from "./wire";

/** How far from their places performers move who stand side by side. */
const ROOM_M = 0.45;

export class Player {
  readonly track: Track;
  /** What is shown: the track's own pose, or its mirror image. */
  readonly pose: Pose;
  /** Where each bone of the built-in skeleton begins, three numbers a bone, without the player's place. */
  readonly joints: Float32Array;
  readonly headTurn = new Float32Array([0, 0, 0, 1]);
  place: Place = { x: 0, y: 0, z: 0 };
  isTracked = false;

  constructor(
    public performer: Performer,
    private readonly skeleton: Skeleton,
  ) {
    this.track = new Track(skeleton);
    this.pose = skeleton.makePose();
    this.joints = new Float32Array(skeleton.bones.length * 3);
    this.head = skeleton.bones.indexOf("Head");
  }
  private readonly head: number;

  /** Brings pose and joints to the service's time. Who is not alone stays near their place. */
  show(atMs: number, isMirrored: boolean, isAlone: boolean): State {
    const shown = this.track.show(atMs);
    if (isMirrored) {
      this.skeleton.mirror(shown, this.pose);
    } else {
      this.pose.root.set(shown.root);
      this.pose.rotations.set(shown.rotations);
      this.pose.shapes.set(shown.shapes);
    }
    this.isTracked = shown.tracked;
    if (!isAlone) for (const axis of [0, 2]) this.pose.root[axis] = stayNear(this.pose.root[axis]);
    this.skeleton.place(this.pose, this.joints);
    this.headTurn.set(this.skeleton.turnOf(this.head));
    return shown;
  }
}

/** As it is near the place, and never further away than that. */
function stayNear(awayM: number): number {
  return ROOM_M * Math.tanh(awayM / ROOM_M);
}

export class Crowd {
  private readonly byNumber = new Map<number, Player>();
  private performers: Performer[] = [];

  constructor(readonly skeleton: Skeleton) {}

  get cast(): readonly Performer[] {
    return this.performers;
  }

  castAnew(performers: readonly Performer[]): void {
    this.performers = [...performers].sort((one, other) => one.stream.localeCompare(other.stream, undefined, { numeric: true }));
    const wanted = new Map(performers.map((performer) => [performer.number, performer]));
    for (const [number, player] of this.byNumber) {
      const performer = wanted.get(number);
      if (performer?.stream === player.performer.stream) player.performer = performer;
      else this.byNumber.delete(number);
    }
  }

  note(state: State): void {
    const known = this.byNumber.get(state.number);
    if (known) {
      known.track.note(state);
      return;
    }
    const performer = this.performers.find(({ number }) => number === state.number);
    if (!performer) return;
    const player = new Player(performer, this.skeleton);
    player.track.note(state);
    this.byNumber.set(state.number, player);
  }

  /** Those to be shown, by name; a stream's name, or null for everybody. */
  choose(stream: string | null): Player[] {
    const chosen: Player[] = [];
    for (const performer of this.performers) {
      const player = this.byNumber.get(performer.number);
      if (player && (stream === null || performer.stream === stream)) chosen.push(player);
    }
    return chosen;
  }

  arrange(players: readonly Player[], aspect: number): void {
    const places = placeAll(players.length, aspect);
    players.forEach((player, index) => (player.place = places[index]));
  }
}
