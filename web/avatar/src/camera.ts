// The camera: it frames who is on stage, follows a single performer, and is moved by mouse, fingers and keys.

import { PerspectiveCamera, Spherical, Vector3 } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import type { Place } from "./grid";
import type { Framing } from "./options";

const FIELD_DEG = 26;
const HALF_SPAN_M = 0.85;
/** Between which shares of a person's height the picture is, and its half width in metres, by framing. */
const BANDS: Record<Framing, { from: number; to: number; halfWidth: number }> = {
  // Room for raised hands.
  body: { from: -0.09, to: 1.2, halfWidth: 0.6 },
  upper: { from: 0.52, to: 1.1, halfWidth: 0.45 },
  face: { from: 0.8, to: 1.03, halfWidth: 0.2 },
};
const FOLLOWED_AFTER_S = 0.25;
const NEAR_M = 0.0005;
const KEY_STEP_RAD = Math.PI / 24;

export class Camera {
  readonly eye = new PerspectiveCamera(FIELD_DEG, 1, 0.05, 400);
  private readonly controls: OrbitControls;
  private readonly followed = new Vector3();
  private readonly step = new Vector3();
  private readonly isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  private isFollowing = false;
  /** Told once when a person moved it themselves: whatever fits them is not undone. */
  private isMoved = false;

  constructor(canvas: HTMLCanvasElement) {
    this.controls = new OrbitControls(this.eye, canvas);
    this.controls.enableDamping = !this.isCalm;
    this.controls.dampingFactor = 0.12;
    this.controls.maxPolarAngle = Math.PI * 0.56;
    this.controls.addEventListener("start", () => (this.isMoved = true));
    canvas.addEventListener("keydown", (event) => this.turnByKey(event));
  }

  /** Fits the picture around the places of all; `height` is how tall the tallest is. */
  frame(framing: Framing, places: readonly Place[], height: number, aspect: number, isAsked: boolean): void {
    this.eye.aspect = aspect;
    this.eye.updateProjectionMatrix();
    if (this.isMoved && !isAsked) return;
    this.isMoved = false;
    this.isFollowing = false;
    this.followed.set(0, 0, 0);
    const band = BANDS[framing];
    const isAlone = places.length <= 1;
    const far = places.reduce((most, { x }) => Math.max(most, Math.abs(x)), 0);
    const rises = places.reduce((most, { y }) => Math.max(most, y), 0);
    const halfWidth = isAlone ? band.halfWidth : far + HALF_SPAN_M;
    const [bottom, top] = [band.from * height, rises + band.to * height];
    const tangent = Math.tan((FIELD_DEG * Math.PI) / 360);
    const distance = Math.max((top - bottom) / 2 / tangent, halfWidth / tangent / aspect) + (isAlone ? 0.15 : 0.5);
    this.controls.target.set(0, (top + bottom) / 2, 0);
    this.eye.position.set(0, (top + bottom) / 2, distance);
    this.controls.minDistance = 0.3;
    this.controls.maxDistance = distance * 4;
    this.controls.update();
  }

  /** Goes along with the only performer, softly: aside, and near by up and down too. */
  follow(away: Vector3, framing: Framing, stepS: number): void {
    this.step.subVectors(away, this.followed);
    const isSoft = this.isFollowing && !this.isCalm && this.step.length() > NEAR_M;
    if (isSoft) this.step.multiplyScalar(1 - Math.exp(-stepS / FOLLOWED_AFTER_S));
    this.isFollowing = true;
    this.step.z = 0;
    if (framing === "body") this.step.y = 0;
    this.followed.add(this.step);
    this.controls.target.add(this.step);
    this.eye.position.add(this.step);
  }

  update(): void {
    this.controls.update();
  }

  private turnByKey(event: KeyboardEvent): void {
    const turn = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const zoom = { "+": 0.9, "-": 1 / 0.9 }[event.key];
    if (!(turn && event.shiftKey) && !zoom) return;
    event.preventDefault();
    this.isMoved = true;
    const from = new Spherical().setFromVector3(this.step.subVectors(this.eye.position, this.controls.target));
    from.theta += (turn?.[0] ?? 0) * KEY_STEP_RAD;
    from.phi += (turn?.[1] ?? 0) * KEY_STEP_RAD;
    from.radius *= zoom ?? 1;
    from.makeSafe();
    this.eye.position.setFromSpherical(from).add(this.controls.target);
    this.controls.update();
  }
}
