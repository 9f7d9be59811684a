// The scene: avatars or figures where the performers stand, lights and floor, drawn with WebGL.

import {
  CircleGeometry,
  DirectionalLight,
  HemisphereLight,
  InstancedMesh,
  Matrix4,
  MeshBasicMaterial,
  Scene,
  Vector3,
  WebGLRenderer,
} from "three";
import type { Avatar } from "./avatar";
import { Camera } from "./camera";
import type { Player } from "./crowd";
import type { Drawing, Kind } from "./drawing";
import { FIGURE_HEIGHT_M, Figures } from "./figures";
import type { Labels } from "./labels";
import type { Models } from "./models";
import type { Options } from "./options";
import { Overlay } from "./overlay";
import type { Skeleton } from "./skeleton";

/** More than this many are drawn as simple figures. */
export const MOST_AVATARS = 12;
export const MOST_FIGURES = 128;

interface Actor {
  player: Player;
  avatar: Avatar | null;
  /** The model that the performer's role names, as it was when the avatar was asked for. */
  model: string | null;
  isLoading: boolean;
}

export class Stage implements Drawing {
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera: Camera;
  private readonly figures: Figures;
  private readonly overlay: Overlay;
  private readonly floor: InstancedMesh;
  private readonly actors = new Map<string, Actor>();
  private readonly point = new Vector3();
  private readonly joints: (Vector3 | null)[];
  private readonly spare: Vector3[];
  private width = 1;
  private height = 1;

  constructor(
    canvas: HTMLCanvasElement,
    private readonly skeleton: Skeleton,
    private readonly models: Models,
    private readonly options: Options,
    private readonly labels: Labels,
    private readonly fail: (sentence: string) => void,
  ) {
    this.renderer = new WebGLRenderer({ canvas, antialias: options.smooth, alpha: true });
    this.renderer.setClearColor(0x000000, 0);
    this.camera = new Camera(canvas);
    this.figures = new Figures(skeleton, MOST_FIGURES);
    this.overlay = new Overlay(skeleton, MOST_FIGURES);
    this.floor = makeFloor();
    const key = new DirectionalLight(0xffffff, 2.2);
    key.position.set(1.2, 2.6, 3);
    this.scene.add(new HemisphereLight(0xdfe9f5, 0x5a6675, 1.6), key, this.floor, this.figures.object, this.overlay.object);
    this.spare = skeleton.bones.map(() => new Vector3());
    this.joints = skeleton.bones.map(() => null);
  }

  get kinds(): Record<string, Kind> {
    return Object.fromEntries([...this.actors].map(([stream, { avatar }]) => [stream, avatar ? "avatar" : "figure"]));
  }

  resize(width: number, height: number): void {
    [this.width, this.height] = [Math.max(1, width), Math.max(1, height)];
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio || 1, 2));
    this.renderer.setSize(this.width, this.height, false);
  }

  arrange(players: readonly Player[], isFramingAsked: boolean): void {
    const wanted = new Set(players.map(({ performer }) => performer.stream));
    for (const [stream, actor] of this.actors) {
      if (wanted.has(stream)) continue;
      actor.avatar?.dispose();
      this.actors.delete(stream);
    }
    for (const player of players) {
      const { stream } = player.performer;
      const known = this.actors.get(stream);
      if (known && known.model !== player.performer.avatar) this.unload(known);
      const isSame = known?.model === player.performer.avatar;
      const actor = known && isSame ? known : makeActor(player);
      actor.player = player;
      this.actors.set(stream, actor);
      if (players.length > MOST_AVATARS) this.unload(actor);
      else void this.load(actor);
    }
    players.forEach(({ place }, index) => {
      this.floor.setMatrixAt(index, new Matrix4().makeTranslation(place.x, place.y, place.z));
    });
    this.floor.count = Math.min(players.length, MOST_FIGURES);
    this.floor.instanceMatrix.needsUpdate = true;
    this.labels.keep([...wanted]);
    this.frame(isFramingAsked);
  }

  changeModel(stream: string): void {
    const before = this.actors.get(stream);
    if (!before) return;
    this.unload(before);
    // Another actor: a model that is still being read for the one before finds it gone.
    const actor = makeActor(before.player);
    this.actors.set(stream, actor);
    if (this.actors.size <= MOST_AVATARS) void this.load(actor);
  }

  draw(players: readonly Player[], stepS: number): void {
    this.figures.begin();
    this.overlay.begin();
    for (const player of players) {
      const actor = this.actors.get(player.performer.stream);
      if (actor) this.pose(actor, stepS);
    }
    this.figures.end();
    this.overlay.end();
    this.overlay.object.visible = this.options.skeleton;
    this.floor.visible = this.options.background === "studio";
    this.labels.show(this.options.labels);
    this.camera.update();
    this.camera.eye.updateMatrixWorld();
    this.labels.fit(this.widthBetween(players));
    for (const player of players) this.name(player);
    this.renderer.render(this.scene, this.camera.eye);
  }

  jointsOnScreen(stream: string): Record<string, [number, number]> {
    const actor = this.actors.get(stream);
    if (!actor) return {};
    this.locate(actor);
    const found: Record<string, [number, number]> = {};
    this.joints.forEach((joint, bone) => {
      if (joint) found[this.skeleton.bones[bone]] = this.project(this.point.copy(joint));
    });
    return found;
  }

  private pose(actor: Actor, stepS: number): void {
    const { player, avatar } = actor;
    const { x, y, z } = player.place;
    if (avatar) {
      avatar.object.position.set(x, y, z);
      avatar.apply(player.pose, stepS);
    } else {
      this.figures.add(player.joints, player.headTurn, x, y, z);
    }
    if (!this.options.skeleton && this.actors.size !== 1) return;
    this.locate(actor);
    if (this.options.skeleton) this.overlay.add(this.joints);
    if (this.actors.size === 1) this.follow(actor, stepS);
  }

  private follow({ player, avatar }: Actor, stepS: number): void {
    const name = this.options.framing === "body" ? "Hips" : "Head";
    const now = this.joints[this.skeleton.bones.indexOf(name)];
    if (!now) return;
    if (avatar) this.point.subVectors(now, avatar.rest[name]).sub(player.place as Vector3);
    else this.point.fromArray(player.pose.root);
    this.camera.follow(this.point, this.options.framing, stepS);
  }

  /** Brings `joints` to where an actor's bones are in the world. */
  private locate({ player, avatar }: Actor): void {
    avatar?.object.updateWorldMatrix(false, true);
    this.skeleton.bones.forEach((_, bone) => {
      const point = this.spare[bone];
      let isKnown = true;
      if (avatar) isKnown = avatar.find(bone, point);
      else point.fromArray(player.joints, bone * 3).add(player.place as Vector3);
      this.joints[bone] = isKnown ? point : null;
    });
  }

  /** Pixels between two in the row at the back, or the whole width where nobody stands beside anybody. */
  private widthBetween(players: readonly Player[]): number {
    const [first, second] = players;
    if (!first || !second || first.place.y !== second.place.y) return this.width;
    const back = players[players.length - 1].place;
    const [left] = this.project(this.point.copy(back));
    const [right] = this.project(this.point.copy(back).setX(back.x + second.place.x - first.place.x));
    return Math.abs(right - left);
  }

  private name(player: Player): void {
    if (!this.options.labels) return;
    const hips = this.skeleton.bones.indexOf("Hips") * 3;
    const { x, y, z } = player.place;
    const height = this.actors.get(player.performer.stream)?.avatar?.height ?? FIGURE_HEIGHT_M;
    this.point.set(x + player.joints[hips], y + height + 0.06, z);
    const [left, top] = this.project(this.point);
    this.labels.place(player.performer.stream, left, Math.max(top, 26), player.isTracked);
  }

  private project(point: Vector3): [number, number] {
    point.project(this.camera.eye);
    return [((point.x + 1) / 2) * this.width, ((1 - point.y) / 2) * this.height];
  }

  private frame(isAsked: boolean): void {
    const actors = [...this.actors.values()];
    const height = Math.max(...actors.map(({ avatar }) => avatar?.height ?? FIGURE_HEIGHT_M), 1);
    this.camera.frame(this.options.framing, actors.map(({ player }) => player.place), height, this.width / this.height, isAsked);
  }

  private async load(actor: Actor): Promise<void> {
    if (actor.avatar || actor.isLoading) return;
    actor.isLoading = true;
    const { performer } = actor.player;
    const { stream } = performer;
    try {
      const avatar = await this.models.makeAvatar(performer, this.skeleton);
      if (this.actors.get(stream) !== actor || this.actors.size > MOST_AVATARS) {
        avatar.dispose();
        return;
      }
      actor.avatar = avatar;
      this.scene.add(avatar.object);
      this.frame(false);
    } catch (error) {
      this.fail(`The avatar of ${stream} is not shown: ${error instanceof Error ? error.message : String(error)}.`);
    } finally {
      actor.isLoading = false;
    }
  }

  private unload(actor: Actor): void {
    actor.avatar?.dispose();
    actor.avatar = null;
  }
}

function makeActor(player: Player): Actor {
  return { player, avatar: null, model: player.performer.avatar, isLoading: false };
}

function makeFloor(): InstancedMesh {
  const material = new MeshBasicMaterial({ color: 0x8fb4d8, transparent: true, opacity: 0.14, depthWrite: false });
  const floor = new InstancedMesh(new CircleGeometry(0.52, 48).rotateX(-Math.PI / 2), material, MOST_FIGURES);
  floor.frustumCulled = false;
  floor.count = 0;
  return floor;
}
