// VRM's expressions from ARKit's shapes: the model's own custom expressions of the same names ("perfect sync") where it
// has them, else VRM's presets.

import type { VRMExpressionManager } from "@pixiv/three-vrm";
import type { Numbers } from "./space";

/** A model with fewer of ARKit's names than this has them by chance. */
const PERFECT_SYNC_FROM = 20;

export interface Face {
  /** Whether the model has ARKit's shapes of its own. */
  readonly isPerfectSync: boolean;
  apply(shapes: Numbers): void;
}

export function faceOf(manager: VRMExpressionManager | undefined, shapes: readonly string[]): Face | null {
  if (!manager) return null;
  const byLowerName = new Map(Object.keys(manager.customExpressionMap).map((name) => [name.toLowerCase(), name]));
  const own = shapes.map((shape) => byLowerName.get(shape.toLowerCase()) ?? null);
  if (own.filter(Boolean).length >= PERFECT_SYNC_FROM) {
    return {
      isPerfectSync: true,
      apply: (values) => own.forEach((name, shape) => name && manager.setValue(name, values[shape])),
    };
  }
  const column = new Map(shapes.map((shape, index) => [shape, index]));
  return {
    isPerfectSync: false,
    apply(values) {
      const presets = readPresets((name) => values[column.get(name) ?? -1] ?? 0);
      for (const [name, value] of Object.entries(presets)) manager.setValue(name, value);
    },
  };
}

const clamp = (value: number): number => Math.min(1, Math.max(0, value));

/** VRM 1's presets, from a function that gives a shape by ARKit's name. */
export function readPresets(shape: (name: string) => number): Record<string, number> {
  const both = (name: string): number => (shape(`${name}Left`) + shape(`${name}Right`)) / 2;
  const open = shape("jawOpen");
  const round = Math.max(shape("mouthPucker"), shape("mouthFunnel"));
  const wide = clamp(Math.max(both("mouthStretch"), both("mouthSmile")));
  const happy = both("mouthSmile");
  const calm = 1 - clamp(happy * 1.5);
  return {
    aa: clamp(open * (1 - round) * (1 - 0.5 * wide)),
    ih: clamp(both("mouthStretch") * (1 - open)),
    ou: clamp(round * (1 - open)),
    ee: clamp(0.5 * wide * open),
    oh: clamp(round * open),
    blinkLeft: clamp(shape("eyeBlinkLeft")),
    blinkRight: clamp(shape("eyeBlinkRight")),
    happy: clamp(happy),
    angry: clamp(both("browDown") * calm),
    sad: clamp(both("mouthFrown") * calm),
    surprised: clamp(Math.min(shape("browInnerUp"), both("eyeWide")) * calm),
  };
}
