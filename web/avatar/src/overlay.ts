// Bones drawn as lines over the avatars, the person's left in one colour and the right in another.

import {
  BufferAttribute,
  BufferGeometry,
  Color,
  DynamicDrawUsage,
  LineBasicMaterial,
  LineSegments,
  type Vector3,
} from "three";
import { sideColour } from "./figures";
import type { Skeleton } from "./skeleton";

export class Overlay {
  readonly object: LineSegments;
  private readonly bones: { from: number; to: number }[];
  private readonly positions: BufferAttribute;
  private readonly colours: BufferAttribute;
  private readonly colour = new Color();
  private count = 0;

  constructor(
    private readonly skeleton: Skeleton,
    capacity: number,
  ) {
    this.bones = skeleton.bones.flatMap((bone, to) =>
      skeleton.parents[to] < 0 || bone === "Jaw" ? [] : [{ from: skeleton.parents[to], to }],
    );
    const vertices = capacity * this.bones.length * 2;
    this.positions = new BufferAttribute(new Float32Array(vertices * 3), 3).setUsage(DynamicDrawUsage);
    this.colours = new BufferAttribute(new Float32Array(vertices * 3), 3).setUsage(DynamicDrawUsage);
    const geometry = new BufferGeometry().setAttribute("position", this.positions).setAttribute("color", this.colours);
    const material = new LineBasicMaterial({ vertexColors: true, depthTest: false, transparent: true });
    this.object = new LineSegments(geometry, material);
    this.object.frustumCulled = false;
    this.object.renderOrder = 10;
  }

  begin(): void {
    this.count = 0;
  }

  /** `joints` are the bones' beginnings in the world; null for those that an avatar has not. */
  add(joints: readonly (Vector3 | null)[]): void {
    for (const { from, to } of this.bones) {
      const end = joints[to];
      let above = from;
      // A bone that the model has not is skipped, and the line goes on to the next one above.
      while (!joints[above] && this.skeleton.parents[above] >= 0) above = this.skeleton.parents[above];
      const start = joints[above];
      if (!start || !end || this.count + 2 > this.positions.count) continue;
      this.colour.set(sideColour(this.skeleton.bones[to]));
      for (const point of [start, end]) {
        this.positions.setXYZ(this.count, point.x, point.y, point.z);
        this.colours.setXYZ(this.count, this.colour.r, this.colour.g, this.colour.b);
        this.count += 1;
      }
    }
  }

  end(): void {
    this.positions.needsUpdate = true;
    this.colours.needsUpdate = true;
    this.object.geometry.setDrawRange(0, this.count);
  }
}
