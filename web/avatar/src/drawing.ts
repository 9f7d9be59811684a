// What draws the performers: a scene with WebGL, or, without it, flat skeletons.

import type { Player } from "./crowd";

export type Kind = "avatar" | "figure" | "flat";

export interface Drawing {
  /** Draws players as they are; `stepS` is the time since the last call. */
  draw(players: readonly Player[], stepS: number): void;
  /** The players, their places or the options are others than before. */
  arrange(players: readonly Player[], isFramingAsked: boolean): void;
  resize(width: number, height: number): void;
  /** The model of this stream is another one. */
  changeModel(stream: string): void;
  /** Where the bones of a stream's avatar are drawn, in pixels of the stage, by Unity's names. */
  jointsOnScreen(stream: string): Record<string, [number, number]>;
  readonly kinds: Record<string, Kind>;
}

/** Whether this browser draws with WebGL 2, which three.js needs. */
export function hasWebGl(): boolean {
  try {
    return Boolean(document.createElement("canvas").getContext("webgl2"));
  } catch {
    return false;
  }
}
