// Skeletons drawn flat, for browsers without WebGL.

import type { Player } from "./crowd";
import type { Drawing, Kind } from "./drawing";
import { FIGURE_HEIGHT_M, sideColour } from "./figures";
import type { Labels } from "./labels";
import type { Framing, Options } from "./options";
import type { Skeleton } from "./skeleton";

const HALF_SPAN_M = 0.8;
const LINE_M = 0.03;
const HEAD_M = 0.1;
const FROM_SHARE: Record<Framing, number> = { body: 0, upper: 0.5, face: 0.8 };

export class FlatStage implements Drawing {
  private readonly pen: CanvasRenderingContext2D;
  private players: readonly Player[] = [];
  private width = 1;
  private height = 1;
  private scale = 1;
  private middle = 0;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly skeleton: Skeleton,
    private readonly options: Options,
    private readonly labels: Labels,
  ) {
    const pen = canvas.getContext("2d");
    if (!pen) throw new Error("this browser can draw nothing at all");
    this.pen = pen;
  }

  get kinds(): Record<string, Kind> {
    return Object.fromEntries(this.players.map(({ performer }) => [performer.stream, "flat" as const]));
  }

  resize(width: number, height: number): void {
    const ratio = window.devicePixelRatio || 1;
    [this.width, this.height] = [Math.max(1, width), Math.max(1, height)];
    [this.canvas.width, this.canvas.height] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  arrange(players: readonly Player[]): void {
    this.players = players;
    this.labels.keep(players.map(({ performer }) => performer.stream));
    const far = players.reduce((most, { place }) => Math.max(most, Math.abs(place.x)), 0);
    const top = players.reduce((most, { place }) => Math.max(most, place.y), 0) + FIGURE_HEIGHT_M + 0.1;
    const bottom = FROM_SHARE[this.options.framing] * FIGURE_HEIGHT_M - 0.08;
    const halfSpan = players.length > 1 ? far + HALF_SPAN_M : HALF_SPAN_M * (1 - FROM_SHARE[this.options.framing]);
    this.scale = Math.min(this.height / (top - bottom), this.width / 2 / halfSpan);
    this.middle = (top + bottom) / 2;
    const [first, second] = players;
    const isBeside = first && second && first.place.y === second.place.y;
    this.labels.fit(isBeside ? Math.abs(second.place.x - first.place.x) * this.scale : this.width);
  }

  changeModel(): void {
    // Flat skeletons have no models.
  }

  draw(players: readonly Player[]): void {
    this.pen.clearRect(0, 0, this.width, this.height);
    this.pen.lineCap = "round";
    this.labels.show(this.options.labels);
    for (const player of players) this.drawOne(player);
  }

  jointsOnScreen(stream: string): Record<string, [number, number]> {
    const player = this.players.find(({ performer }) => performer.stream === stream);
    if (!player) return {};
    return Object.fromEntries(this.skeleton.bones.map((bone, index) => [bone, this.project(player, index)]));
  }

  private drawOne(player: Player): void {
    const { pen, skeleton } = this;
    pen.globalAlpha = player.isTracked ? 1 : 0.45;
    skeleton.bones.forEach((bone, to) => {
      const from = skeleton.parents[to];
      if (from < 0 || /Eye|Jaw/.test(bone)) return;
      pen.strokeStyle = sideColour(bone);
      pen.lineWidth = this.scale * LINE_M * (/Thumb|Index|Middle|Ring|Little/.test(bone) ? 0.4 : 1);
      pen.beginPath();
      pen.moveTo(...this.project(player, from));
      pen.lineTo(...this.project(player, to));
      pen.stroke();
    });
    const [x, y] = this.project(player, skeleton.bones.indexOf("Head"));
    pen.beginPath();
    pen.ellipse(x, y - this.scale * HEAD_M, this.scale * HEAD_M * 0.8, this.scale * HEAD_M, 0, 0, 2 * Math.PI);
    pen.strokeStyle = sideColour("Head");
    pen.lineWidth = this.scale * LINE_M;
    pen.stroke();
    pen.globalAlpha = 1;
    this.labels.place(player.performer.stream, x, Math.max(26, y - this.scale * HEAD_M * 2.6), player.isTracked);
  }

  private project({ joints, place }: Player, bone: number): [number, number] {
    return [
      this.width / 2 + (joints[bone * 3] + place.x) * this.scale,
      this.height / 2 - (joints[bone * 3 + 1] + place.y - this.middle) * this.scale,
    ];
  }
}
