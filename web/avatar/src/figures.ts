// A crowd of simple figures, drawn at once: limbs as capsules, for more performers than full avatars would be drawn for,
// and for those whose avatar is still on its way.

import {
  CapsuleGeometry,
  Color,
  DynamicDrawUsage,
  Group,
  InstancedMesh,
  Matrix4,
  MeshLambertMaterial,
  Quaternion,
  SphereGeometry,
} from "three";
import type { Skeleton } from "./skeleton";
import type { Numbers } from "./space";

export const LEFT_COLOUR = "#35d0ba";
export const RIGHT_COLOUR = "#ff9d4d";
export const MIDDLE_COLOUR = "#e8eef6";

/** From the ground to the top of the head, at rest. */
export const FIGURE_HEIGHT_M = 1.72;

const HEAD_SIZE_M: [number, number, number] = [0.085, 0.115, 0.1];
const HEAD_ABOVE_M = 0.09;
const THICK_M: [RegExp, number][] = [
  [/^(Spine|Chest|UpperChest)$/, 0.1],
  [/LowerLeg$/, 0.065],
  [/Foot$/, 0.05],
  [/LowerArm$/, 0.045],
  [/Hand$/, 0.038],
  [/(Thumb|Index|Middle|Ring|Little)/, 0.014],
];

interface Limb {
  from: number;
  to: number;
  thick: number;
  colour: string;
}

export function sideColour(bone: string): string {
  if (bone.startsWith("Left")) return LEFT_COLOUR;
  return bone.startsWith("Right") ? RIGHT_COLOUR : MIDDLE_COLOUR;
}

export class Figures {
  readonly object = new Group();
  private readonly limbs: Limb[];
  private readonly head: number;
  private readonly bodies: InstancedMesh;
  private readonly heads: InstancedMesh;
  private readonly matrix = new Matrix4();
  private readonly turn = new Quaternion();
  private count = 0;

  constructor(
    skeleton: Skeleton,
    private readonly capacity: number,
  ) {
    this.limbs = listLimbs(skeleton);
    this.head = skeleton.bones.indexOf("Head");
    // One metre from end to end and a unit thick: each instance is stretched to its limb.
    const capsule = new CapsuleGeometry(1, 1, 2, 8).scale(1, 1 / 3, 1);
    this.bodies = new InstancedMesh(capsule, new MeshLambertMaterial(), capacity * this.limbs.length);
    this.heads = new InstancedMesh(new SphereGeometry(1, 14, 10), new MeshLambertMaterial(), capacity);
    const colour = new Color();
    for (let at = 0; at < this.bodies.count; at++) {
      this.bodies.setColorAt(at, colour.set(this.limbs[at % this.limbs.length].colour));
    }
    for (const mesh of [this.bodies, this.heads]) {
      mesh.instanceMatrix.setUsage(DynamicDrawUsage);
      mesh.frustumCulled = false;
      mesh.count = 0;
      this.object.add(mesh);
    }
  }

  begin(): void {
    this.count = 0;
  }

  /** One more figure: the bones' beginnings, three numbers each, beside `x`, `y`, `z`. */
  add(positions: Numbers, headTurn: Numbers, x: number, y: number, z: number): void {
    if (this.count >= this.capacity) return;
    const matrices = this.bodies.instanceMatrix.array as Float32Array;
    let at = this.count * this.limbs.length * 16;
    for (const limb of this.limbs) {
      stretch(positions, limb, x, y, z, matrices, at);
      at += 16;
    }
    this.placeHead(positions, headTurn, x, y, z);
    this.count += 1;
  }

  end(): void {
    this.bodies.count = this.count * this.limbs.length;
    this.heads.count = this.count;
    this.bodies.instanceMatrix.needsUpdate = true;
    this.heads.instanceMatrix.needsUpdate = true;
    this.object.visible = this.count > 0;
  }

  private placeHead(positions: Numbers, turn: Numbers, x: number, y: number, z: number): void {
    const { matrix } = this;
    matrix.makeRotationFromQuaternion(this.turn.fromArray(turn));
    const e = matrix.elements;
    const at = this.head * 3;
    matrix.setPosition(
      x + positions[at] + e[4] * HEAD_ABOVE_M,
      y + positions[at + 1] + e[5] * HEAD_ABOVE_M,
      z + positions[at + 2] + e[6] * HEAD_ABOVE_M,
    );
    for (let column = 0; column < 3; column++) {
      for (let row = 0; row < 3; row++) e[column * 4 + row] *= HEAD_SIZE_M[column];
    }
    this.heads.setMatrixAt(this.count, matrix);
  }
}

function listLimbs(skeleton: Skeleton): Limb[] {
  const limbs: Limb[] = [];
  skeleton.bones.forEach((bone, to) => {
    const from = skeleton.parents[to];
    if (from < 0 || /Eye|Jaw/.test(bone)) return;
    const thick = THICK_M.find(([name]) => name.test(bone))?.[1] ?? 0.045;
    limbs.push({ from, to, thick, colour: sideColour(bone) });
  });
  return limbs;
}

/** A matrix that stretches a capsule along y from one bone's beginning to another's. */
function stretch(
  positions: Numbers,
  limb: Limb,
  x: number,
  y: number,
  z: number,
  out: Float32Array,
  at: number,
): void {
  const [from, to] = [limb.from * 3, limb.to * 3];
  const dx = positions[to] - positions[from];
  const dy = positions[to + 1] - positions[from + 1];
  const dz = positions[to + 2] - positions[from + 2];
  const length = Math.hypot(dx, dy, dz) || 1e-6;
  // Any vector across the limb will do: a capsule is round.
  const isUpright = Math.abs(dy) > 0.9 * length;
  const [ax, ay, az] = isUpright ? [0, -dz, dy] : [dz, 0, -dx];
  const across = limb.thick / (Math.hypot(ax, ay, az) || 1);
  const [ux, uy, uz] = [ax * across, ay * across, az * across];
  out[at] = ux;
  out[at + 1] = uy;
  out[at + 2] = uz;
  out[at + 3] = 0;
  // A little over both ends, so that joints are round.
  const along = 1 + limb.thick / length;
  out[at + 4] = dx * along;
  out[at + 5] = dy * along;
  out[at + 6] = dz * along;
  out[at + 7] = 0;
  out[at + 8] = (uy * dz - uz * dy) / length;
  out[at + 9] = (uz * dx - ux * dz) / length;
  out[at + 10] = (ux * dy - uy * dx) / length;
  out[at + 11] = 0;
  out[at + 12] = x + (positions[from] + positions[to]) / 2;
  out[at + 13] = y + (positions[from + 1] + positions[to + 1]) / 2;
  out[at + 14] = z + (positions[from + 2] + positions[to + 2]) / 2;
  out[at + 15] = 1;
}
