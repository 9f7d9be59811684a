// Frames of landmarks on standard input, a JSON object a line; Kalidokit's results on standard output, alike.
//
// Rotations are Euler angles in radians about x, y, z, in that order, in the space of the model as Kalidokit means it:
// a VRM 0 model that mirrors the performer. Wrists are put together of arm and hand as Kalidokit's own examples do it.

import { createInterface } from "node:readline";
import { Face, Hand, Pose } from "kalidokit/dist/kalidokit.es.js";

const FINGERS = ["Thumb", "Index", "Middle", "Ring", "Little"];
const SEGMENTS = ["Proximal", "Intermediate", "Distal"];

const asPoints = (rows) => rows.map(([x, y, z, visibility]) => ({ x, y, z, visibility }));

function solveBody(frame, turns) {
  const imageSize = { width: frame.width, height: frame.height };
  const pose = Pose.solve(asPoints(frame.pose_world), asPoints(frame.pose), { runtime: "mediapipe", imageSize });
  if (!pose) return undefined;
  turns.Hips = pose.Hips.rotation;
  turns.Spine = pose.Spine;
  for (const limb of ["UpperArm", "LowerArm", "UpperLeg", "LowerLeg"]) {
    turns[`Left${limb}`] = pose[`Left${limb}`];
    turns[`Right${limb}`] = pose[`Right${limb}`];
  }
  return pose;
}

function solveHand(frame, points, side, pose, turns) {
  // In pixels, for fractions of width and of height are no angles. Its examples leave that out, to its loss.
  const inPixels = points.map(([x, y, z]) => ({ x: x * frame.width, y: y * frame.height, z: z * frame.width }));
  const hand = Hand.solve(inPixels, side);
  if (!hand) return;
  const wrist = hand[`${side}Wrist`];
  turns[`${side}Hand`] = { x: wrist.x, y: wrist.y, z: pose ? pose[`${side}Hand`].z : wrist.z };
  for (const finger of FINGERS) {
    for (const segment of SEGMENTS) turns[`${side}${finger}${segment}`] = hand[`${side}${finger}${segment}`];
  }
}

function solveFace(frame, turns) {
  const imageSize = { width: frame.width, height: frame.height };
  const face = Face.solve(asPoints(frame.face), { runtime: "mediapipe", imageSize, smoothBlink: true });
  if (!face) return {};
  turns.Head = face.head;
  const { eye, mouth, pupil, brow } = face;
  const looks = { pupilX: pupil.x, pupilY: pupil.y, brow, mouthX: mouth.x, mouthY: mouth.y };
  return { ...mouth.shape, Blink_L: 1 - eye.l, Blink_R: 1 - eye.r, ...looks };
}

for await (const line of createInterface({ input: process.stdin })) {
  const frame = JSON.parse(line);
  const turns = {};
  const pose = frame.pose_world && frame.pose ? solveBody(frame, turns) : undefined;
  // The model mirrors the performer: whose left hand is its right one.
  if (frame.left_hand) solveHand(frame, frame.left_hand, "Right", pose, turns);
  if (frame.right_hand) solveHand(frame, frame.right_hand, "Left", pose, turns);
  const face = frame.face ? solveFace(frame, turns) : {};
  process.stdout.write(JSON.stringify({ turns, face }) + "\n");
}
