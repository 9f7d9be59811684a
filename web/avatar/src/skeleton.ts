// The bones as the service's `hello` names them, and where they are in the world once they are turned.

import { multiply, rotate, turnPosition, turnRotation, type Numbers } from "./space";

export interface Hello {
  version: number;
  bones: string[];
  parents: number[];
  rest_offsets_m: [number, number, number][];
  shapes: string[];
  record_bytes: number;
}

export const VERSION = 1;

/** Rotations as three.js has them, four numbers a bone; hips' offset from rest in metres; shapes 0…1. */
export interface Pose {
  root: Numbers;
  rotations: Numbers;
  shapes: Numbers;
}

export class Skeleton {
  readonly bones: readonly string[];
  readonly shapes: readonly string[];
  readonly parents: readonly number[];
  /** Three numbers a bone, as three.js has them. */
  readonly offsets: Numbers;
  private readonly oppositeBones: readonly number[];
  private readonly oppositeShapes: readonly number[];
  private readonly turned: Numbers;

  constructor(hello: Hello) {
    this.bones = hello.bones;
    this.shapes = hello.shapes;
    this.parents = hello.parents;
    this.offsets = new Float32Array(hello.rest_offsets_m.flat());
    for (let at = 0; at < this.offsets.length; at += 3) turnPosition(this.offsets, at);
    this.oppositeBones = pairSides(this.bones);
    this.oppositeShapes = pairSides(this.shapes);
    this.turned = new Float32Array(this.bones.length * 4);
  }

  get hipsHeight(): number {
    return this.offsets[1];
  }

  /** Everything at rest: a T-pose. */
  makePose(): Pose {
    const rotations = new Float32Array(this.bones.length * 4);
    for (let at = 3; at < rotations.length; at += 4) rotations[at] = 1;
    return { root: new Float32Array(3), rotations, shapes: new Float32Array(this.shapes.length) };
  }

  /** What a mirror shows of a pose. */
  mirror(pose: Pose, out: Pose): void {
    this.oppositeBones.forEach((opposite, bone) => {
      out.rotations.set(pose.rotations.subarray(opposite * 4, opposite * 4 + 4), bone * 4);
      turnRotation(out.rotations, bone * 4);
    });
    this.oppositeShapes.forEach((opposite, shape) => (out.shapes[shape] = pose.shapes[opposite]));
    out.root.set(pose.root);
    turnPosition(out.root);
  }

  /** Where each bone begins, three numbers a bone, the feet's ground at y = 0. Parents come before their children. */
  place(pose: Pose, positions: Numbers): void {
    for (const bone of this.order) {
      const parent = this.parents[bone];
      if (parent < 0) {
        this.turned.set(pose.rotations.subarray(bone * 4, bone * 4 + 4), bone * 4);
        for (let axis = 0; axis < 3; axis++) positions[bone * 3 + axis] = this.offsets[bone * 3 + axis] + pose.root[axis];
        continue;
      }
      multiply(this.turned, parent * 4, pose.rotations, bone * 4, this.turned, bone * 4);
      rotate(this.turned, parent * 4, this.offsets, bone * 3, positions, bone * 3);
      for (let axis = 0; axis < 3; axis++) positions[bone * 3 + axis] += positions[parent * 3 + axis];
    }
  }

  /** A bone's rotation in the world, as `place` left it: four numbers, to be read before the next call. */
  turnOf(bone: number): Numbers {
    return this.turned.subarray(bone * 4, bone * 4 + 4);
  }

  /** Parents before children, for the wire's order has eyes and fingers anywhere. */
  private get order(): readonly number[] {
    return (this.ordered ??= orderByParents(this.parents));
  }
  private ordered?: readonly number[];
}

function orderByParents(parents: readonly number[]): number[] {
  const depth = (bone: number): number => (parents[bone] < 0 ? 0 : 1 + depth(parents[bone]));
  return parents.map((_, bone) => bone).sort((one, other) => depth(one) - depth(other));
}

function pairSides(names: readonly string[]): number[] {
  return names.map((name, index) => {
    const other = name.replace(/left|right/i, (side) => OPPOSITES[side] ?? side);
    const found = names.indexOf(other);
    return found < 0 ? index : found;
  });
}

const OPPOSITES: Record<string, string> = { Left: "Right", Right: "Left", left: "right", right: "left" };
