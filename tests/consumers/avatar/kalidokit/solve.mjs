// Frames of landmarks on standard input, a JSON object a line; Kalidokit's bones and shapes on standard output, alike.
//
// Rotations are Euler angles in radians about x, y, z, in that order, in the space of the model as Kalidokit means it:
// a VRM 0 model that mirrors the performer. What is made of them here is what Kalidokit's own examples do: hips, chest
// and spine by the parts they give them, wrists put together of arm and hand.

import { createInterface } from "node:readline";
import { Face, Hand, Pose } from "kalidokit/dist/kalidokit.es.js";

const FINGERS = ["Thumb", "Index", "Middle", "Ring", "Little"];
const SEGMENTS = ["Proximal", "Intermediate", "Distal"];

const asPoints = (rows) => rows.map(([x, y, z, visibility]) => ({ x, y, z, visibility }));
const scale = ({ x, y, z }, share) => ({ x: x * share, y: y * share, z: z * share });

function solveBody(frame, bones) {
  const imageSize = { width: frame.width, height: frame.height };
  const pose = Pose.solve(asPoints(frame.pose_world), asPoints(frame.pose), { runtime: "mediapipe", imageSize });
  if (!pose) return undefined;
  bones.Hips = scale(pose.Hips.rotation, 0.7);
  bones.Chest = scale(pose.Spine, 0.25);
  bones.Spine = scale(pose.Spine, 0.45);
  for (const limb of ["UpperArm", "LowerArm", "UpperLeg", "LowerLeg"]) {
    bones[`Left${limb}`] = pose[`Left${limb}`];
    bones[`Right${limb}`] = pose[`Right${limb}`];
  }
  return pose;
}

function solveHand(points, side, pose, bones) {
  const hand = Hand.solve(asPoints(points), side);
  if (!hand) return;
  const wrist = hand[`${side}Wrist`];
  bones[`${side}Hand`] = { x: wrist.x, y: wrist.y, z: pose ? pose[`${side}Hand`].z : wrist.z };
  for (const finger of FINGERS) {
    for (const segment of SEGMENTS) bones[`${side}${finger}${segment}`] = hand[`${side}${finger}${segment}`];
  }
}

function solveFace(frame, bones) {
  const imageSize = { width: frame.width, height: frame.height };
  const face = Face.solve(asPoints(frame.face), { runtime: "mediapipe", imageSize, smoothBlink: true });
  if (!face) return {};
  bones.Neck = scale(face.head, 0.7);
  const { A, I, U, E, O } = face.mouth.shape;
  return { A, I, U, E, O, Blink_L: 1 - face.eye.l, Blink_R: 1 - face.eye.r };
}

for await (const line of createInterface({ input: process.stdin })) {
  const frame = JSON.parse(line);
  const bones = {};
  const pose = frame.pose_world && frame.pose ? solveBody(frame, bones) : undefined;
  // The model mirrors the performer: whose left hand is its right one.
  if (frame.left_hand) solveHand(frame.left_hand, "Right", pose, bones);
  if (frame.right_hand) solveHand(frame.right_hand, "Left", pose, bones);
  const shapes = frame.face ? solveFace(frame, bones) : {};
  process.stdout.write(JSON.stringify({ bones, shapes }) + "\n");
}
