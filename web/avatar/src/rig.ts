// Which bone of a VRM model each of our bones is, and what is made of those that a model does not have.

import type { Skeleton } from "./skeleton";
import { multiply, type Numbers } from "./space";

/** VRM 1 calls the thumb's bones by their anatomy; three-vrm reads VRM 0 models under the same names. */
const THUMBS: Record<string, string> = { Proximal: "Metacarpal", Intermediate: "Proximal", Distal: "Distal" };
/** Faces move by expressions here, and a jaw that turns as well would open mouths twice. */
const LEFT_OUT = new Set(["Jaw"]);

/** `leftUpperArm` for `LeftUpperArm`. */
export function vrmNameOf(bone: string): string {
  const name = bone.replace(/Thumb(\w+)$/, (_, part: string) => `Thumb${THUMBS[part] ?? part}`);
  return name[0].toLowerCase() + name.slice(1);
}

export interface Driven<Node> {
  bone: number;
  node: Node;
  /** The bones that turn the node, the uppermost first: those above it that the model has not, and its own. */
  chain: number[];
}

export class Rig<Node> {
  readonly driven: Driven<Node>[] = [];
  private readonly product = new Float32Array(4);

  constructor(
    private readonly skeleton: Skeleton,
    find: (vrmName: string) => Node | null,
  ) {
    const nodes = skeleton.bones.map((bone) => (LEFT_OUT.has(bone) ? null : find(vrmNameOf(bone))));
    nodes.forEach((node, bone) => {
      if (node === null) return;
      const chain = [bone];
      for (let above = skeleton.parents[bone]; above >= 0 && nodes[above] === null; above = skeleton.parents[above]) {
        chain.unshift(above);
      }
      this.driven.push({ bone, node, chain });
    });
  }

  has(bone: string): boolean {
    return this.driven.some((driven) => this.skeleton.bones[driven.bone] === bone);
  }

  /** A driven bone's rotation with those of the missing bones above it: four numbers, to be read before the next call. */
  turnOf(driven: Driven<Node>, rotations: Numbers): Numbers {
    const { product } = this;
    product.set(IDENTITY);
    for (const bone of driven.chain) multiply(product, 0, rotations, bone * 4, product, 0);
    return product;
  }
}

const IDENTITY = [0, 0, 0, 1];
