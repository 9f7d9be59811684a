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

/** Sums of shapes that presets are read from, as consumers/avatar/face/vrm.py has them; "both" is left and right. */
const CUES = {
  jaw: { jawOpen: 1.3, mouthClose: -1.3 },
  round: { mouthPucker: 1, mouthFunnel: 1 },
  funnel: { mouthFunnel: 0.7 },
  wide: { "both mouthStretch": 0.6, "both mouthSmile": 0.3 },
  teeth: { jawOpen: 6, mouthClose: -6, "both mouthLowerDown": 1 },
  smile: { "both mouthSmile": 0.5 },
  browsDown: { "both browDown": 0.5, "both noseSneer": 0.2, "both mouthSmile": -0.6 },
  sad: { "both mouthFrown": 0.5, browInnerUp: 0.5, "both browOuterUp": -0.4, "both mouthSmile": -0.5 },
  surprise: { browInnerUp: 0.4, "both browOuterUp": 0.3, "both eyeWide": 0.2, jawOpen: 0.3, "both mouthSmile": -0.3 },
} satisfies Record<string, Record<string, number>>;
/** How much of an emotion a mouth that speaks takes away. */
const SPEECH_DAMPS = 0.35;

/** VRM 1's presets, from a function that gives a shape by ARKit's name: the same that receivers of VMC are sent. */
export function readPresets(shape: (name: string) => number): Record<string, number> {
  const cue = (name: keyof typeof CUES): number => clamp(sum(CUES[name], shape));
  const vowels = readVowels(cue);
  const spoken = Object.values(vowels).reduce((total, value) => total + value, 0);
  const emotions = readEmotions(cue);
  for (const name of Object.keys(emotions)) emotions[name] *= 1 - SPEECH_DAMPS * spoken;
  const [left, right] = [shape("eyeBlinkLeft"), shape("eyeBlinkRight")];
  const blink = Math.min(left, right);
  // What both eyes share, and of each what it has more: where a model adds them up an eye closes once.
  return { ...vowels, ...emotions, blink, blinkLeft: left - blink, blinkRight: right - blink };
}

function sum(terms: Record<string, number>, shape: (name: string) => number): number {
  let total = 0;
  for (const [name, weight] of Object.entries(terms)) {
    const one = name.replace("both ", "");
    total += weight * (one === name ? shape(one) : shape(`${one}Left`) + shape(`${one}Right`));
  }
  return total;
}

function readVowels(cue: (name: keyof typeof CUES) => number): Record<string, number> {
  const [jaw, round] = [cue("jaw"), cue("round")];
  const spread = cue("wide") * (1 - round);
  const opened = Math.max(jaw, cue("funnel"));
  return share({
    aa: jaw * (1 - round) * (1 - 0.6 * spread),
    ih: spread * (1 - jaw) ** 2 * cue("teeth"),
    ou: round * (1 - opened),
    ee: spread * jaw * (1 - 0.5 * jaw),
    oh: round * opened,
  });
}

/** The stronger one takes the weaker one's place. */
function readEmotions(cue: (name: keyof typeof CUES) => number): Record<string, number> {
  const happy = smoothstep(cue("smile"), 0.35, 0.8);
  const felt: Record<string, number> = {
    happy,
    relaxed: 0.6 * smoothstep(cue("smile"), 0.1, 0.35) * (1 - happy),
    angry: smoothstep(cue("browsDown"), 0.3, 0.9),
    sad: smoothstep(cue("sad"), 0.3, 0.9),
    surprised: smoothstep(cue("surprise"), 0.3, 0.9),
  };
  const total = Math.max(1e-9, Object.values(felt).reduce((all, value) => all + value, 0));
  for (const name of Object.keys(felt)) felt[name] *= felt[name] / total;
  return felt;
}

/** No more than 1 in all. */
function share(values: Record<string, number>): Record<string, number> {
  const total = Math.max(1, Object.values(values).reduce((all, value) => all + value, 0));
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value / total]));
}

function smoothstep(value: number, start: number, end: number): number {
  const part = clamp((value - start) / (end - start));
  return part * part * (3 - 2 * part);
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
