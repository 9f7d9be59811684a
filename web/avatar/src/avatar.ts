// One avatar of one performer: a VRM model that takes on poses.

import { VRMLoaderPlugin, VRMUtils, type VRM, type VRMHumanBoneName } from "@pixiv/three-vrm";
import { LoadingManager, MathUtils, Mesh, Object3D, Quaternion, Vector3 } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { faceOf, type Face } from "./expressions";
import { Rig, vrmNameOf } from "./rig";
import type { Pose, Skeleton } from "./skeleton";

const FORWARD = new Vector3(0, 0, 1);
/** The head's top, when where the head turns on the neck is 1. */
const HEADS_TOP = 1.13;
/** A step longer than this would fling hair and clothes about. */
const LONGEST_STEP_S = 0.1;
/** "glTF", with which every binary glTF file begins. */
const MAGIC = 0x46546c67;

/** Reads a VRM 0 or VRM 1 file. Throws an Error whose message a person can read. */
export async function readModel(bytes: ArrayBuffer): Promise<VRM> {
  // What the loader says of other files is of no use to a person.
  if (bytes.byteLength < 4 || new DataView(bytes).getUint32(0, true) !== MAGIC) throw new Error("this is no VRM file");
  const manager = new LoadingManager();
  // A model's own parts come as blobs; nothing that it names elsewhere is fetched.
  manager.setURLModifier((url) => (/^(blob|data):/.test(url) ? url : "data:,"));
  const loader = new GLTFLoader(manager);
  loader.register((parser) => new VRMLoaderPlugin(parser));
  const gltf = await loader.parseAsync(bytes, "").catch((error: unknown) => {
    throw new Error(`this is no VRM file: ${error instanceof Error ? error.message : String(error)}`);
  });
  const vrm = gltf.userData["vrm"] as VRM | undefined;
  if (!vrm) throw new Error("this glTF file holds no VRM avatar");
  VRMUtils.rotateVRM0(vrm);
  vrm.scene.traverse((part) => {
    // Bounds of skinned meshes are those of the rest pose.
    part.frustumCulled = false;
  });
  return vrm;
}

/** Lets a second copy of a file use the first one's geometry: both were read from the same bytes, in the same order. */
export function shareGeometry(first: VRM, other: VRM): void {
  const shared: Mesh[] = [];
  first.scene.traverse((part) => part instanceof Mesh && shared.push(part));
  let next = 0;
  other.scene.traverse((part) => {
    if (!(part instanceof Mesh)) return;
    const original = shared[next++];
    if (!original || original.geometry === part.geometry) return;
    part.geometry.dispose();
    part.geometry = original.geometry;
  });
}

export class Avatar {
  readonly object: Object3D;
  /** How far the head's top is above the ground at rest, about. */
  readonly height: number;
  /** Where bones are at rest, by Unity's names. */
  readonly rest: Record<"Hips" | "Head", Vector3>;
  private readonly rig: Rig<Object3D>;
  private readonly face: Face | null;
  private readonly hips: Object3D | null;
  private readonly hipsAtRest = new Vector3();
  /** VRM 0 models look at -z in their own space, so that x and z of everything are the other way. */
  private readonly facing: 1 | -1;
  private readonly scale: number;
  private readonly turn = new Quaternion();
  private readonly gaze = new Vector3();

  constructor(
    private readonly vrm: VRM,
    private readonly skeleton: Skeleton,
  ) {
    this.object = vrm.scene;
    this.facing = vrm.meta.metaVersion === "0" ? -1 : 1;
    this.rig = new Rig(skeleton, (name) => vrm.humanoid.getNormalizedBoneNode(name as VRMHumanBoneName));
    this.face = faceOf(vrm.expressionManager, skeleton.shapes);
    this.hips = vrm.humanoid.getNormalizedBoneNode("hips");
    if (this.hips) this.hipsAtRest.copy(this.hips.position);
    this.scale = this.hipsAtRest.y / skeleton.hipsHeight;
    this.object.updateWorldMatrix(true, true);
    const restOf = (name: "hips" | "head"): Vector3 =>
      vrm.humanoid.getRawBoneNode(name)?.getWorldPosition(new Vector3()) ?? new Vector3();
    this.rest = { Hips: restOf("hips"), Head: restOf("head") };
    this.height = HEADS_TOP * (this.rest.Head.y || 1.5);
    if (vrm.lookAt) vrm.lookAt.autoUpdate = false;
  }

  apply(pose: Pose, stepS: number): void {
    const { facing } = this;
    for (const driven of this.rig.driven) {
      const [x, y, z, w] = this.rig.turnOf(driven, pose.rotations);
      driven.node.quaternion.set(facing * x, y, facing * z, w);
    }
    const [x, y, z] = pose.root;
    this.hips?.position.set(facing * x, y, facing * z).multiplyScalar(this.scale).add(this.hipsAtRest);
    this.look(pose);
    this.face?.apply(pose.shapes);
    this.vrm.update(Math.min(stepS, LONGEST_STEP_S));
  }

  /** Where the model's own bone is in the world; false when it has none of this name. */
  find(bone: number, out: Vector3): boolean {
    const node = this.vrm.humanoid.getRawBoneNode(vrmNameOf(this.skeleton.bones[bone]) as VRMHumanBoneName);
    node?.getWorldPosition(out);
    return node !== null;
  }

  dispose(): void {
    this.object.removeFromParent();
    VRMUtils.deepDispose(this.object);
  }

  /** Models without bones for the eyes look by expressions. */
  private look(pose: Pose): void {
    const { lookAt } = this.vrm;
    const eye = this.skeleton.bones.indexOf("LeftEye");
    if (!lookAt || eye < 0 || this.rig.has("LeftEye")) return;
    this.turn.fromArray(pose.rotations, eye * 4);
    this.gaze.copy(FORWARD).applyQuaternion(this.turn);
    lookAt.yaw = MathUtils.radToDeg(Math.atan2(this.gaze.x, this.gaze.z));
    lookAt.pitch = MathUtils.radToDeg(Math.asin(-this.gaze.y));
  }
}
