// What the service says over its WebSocket (docs/avatar-stream.md), read from bytes.

import { turnPosition, turnRotation } from "./space";
import type { Pose, Skeleton } from "./skeleton";

export interface Performer {
  number: number;
  stream: string;
  avatar: string | null;
  mirror: boolean;
}

export interface Position {
  mode: "live" | "replay";
  state: "playing" | "paused" | "seeking" | "ended";
  at_ms: number;
  /** Null until it is known. */
  from_ms: number | null;
  to_ms: number | null;
  speed: number;
}

/** One performer at one moment. Times are the service's clock, in milliseconds since 1970. */
export interface State extends Pose {
  number: number;
  tracked: boolean;
  atMs: number;
  capturedMs: number;
  receivedMs: number;
}

const MAGIC = 65;
const HEADER_BYTES = 16;
const ROTATION_UNIT = 1 / 32767;
const SHAPE_UNIT = 1 / 255;

/** Reads a message of states; `keep` gets each, and must copy what it keeps. Throws when it is none. */
export function readStates(
  message: ArrayBuffer,
  skeleton: Skeleton,
  recordBytes: number,
  scratch: State,
  keep: (state: State) => void,
): void {
  const view = new DataView(message);
  if (message.byteLength < HEADER_BYTES || view.getUint8(0) !== MAGIC || view.getUint8(1) !== 1) {
    throw new Error("a message of the avatar stream is not of version 1");
  }
  const count = view.getUint16(2, true);
  if (message.byteLength < HEADER_BYTES + count * recordBytes) {
    throw new Error("a message of the avatar stream ends too early");
  }
  scratch.atMs = view.getFloat64(8, true);
  for (let record = 0; record < count; record++) {
    readRecord(view, HEADER_BYTES + record * recordBytes, skeleton, scratch);
    keep(scratch);
  }
}

function readRecord(view: DataView, start: number, skeleton: Skeleton, state: State): void {
  state.number = view.getUint32(start, true);
  state.tracked = (view.getUint8(start + 4) & 1) === 1;
  state.capturedMs = view.getFloat64(start + 8, true);
  state.receivedMs = view.getFloat64(start + 16, true);
  for (let axis = 0; axis < 3; axis++) state.root[axis] = view.getFloat32(start + 24 + 4 * axis, true);
  turnPosition(state.root);
  const rotations = start + 52;
  for (let bone = 0; bone < skeleton.bones.length; bone++) {
    for (let part = 0; part < 4; part++) {
      state.rotations[bone * 4 + part] = view.getInt16(rotations + 2 * (bone * 4 + part), true) * ROTATION_UNIT;
    }
    turnRotation(state.rotations, bone * 4);
  }
  const shapes = rotations + 8 * skeleton.bones.length;
  for (let shape = 0; shape < skeleton.shapes.length; shape++) {
    state.shapes[shape] = view.getUint8(shapes + shape) * SHAPE_UNIT;
  }
}

export function makeState(skeleton: Skeleton): State {
  return { number: -1, tracked: false, atMs: 0, capturedMs: 0, receivedMs: 0, ...skeleton.makePose() };
}

export function copyState(from: State, to: State): void {
  to.number = from.number;
  to.tracked = from.tracked;
  to.atMs = from.atMs;
  to.capturedMs = from.capturedMs;
  to.receivedMs = from.receivedMs;
  to.root.set(from.root);
  to.rotations.set(from.rotations);
  to.shapes.set(from.shapes);
}
