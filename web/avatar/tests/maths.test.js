// What the page reckons, without a browser: `npm test`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ServiceClock } from "../src/clock.ts";
import { Player } from "../src/crowd.ts";
import { readPresets } from "../src/expressions.ts";
import { columnsFor, placeAll } from "../src/grid.ts";
import { LatencyLog } from "../src/latency.ts";
import { addressOf, readOptions } from "../src/options.ts";
import { Rig, vrmNameOf } from "../src/rig.ts";
import { Skeleton } from "../src/skeleton.ts";
import { blendRotations, rotate, turnPosition, turnRotation } from "../src/space.ts";
import { Track } from "../src/track.ts";
import { makeState } from "../src/wire.ts";

const HELLO = {
  version: 1,
  // A child before its parent, as eyes and fingers may be.
  bones: ["Hips", "LeftHand", "LeftUpperArm", "RightUpperArm", "Chest"],
  parents: [-1, 2, 4, 4, 0],
  rest_offsets_m: [[0, 1, 0], [-0.5, 0, 0], [-0.2, 0.3, 0], [0.2, 0.3, 0], [0, 0.2, 0]],
  shapes: ["jawOpen", "eyeBlinkLeft", "eyeBlinkRight"],
  record_bytes: 0,
};
const DOWN = Math.SQRT1_2;

const near = (seen, wanted) => seen.forEach((value, at) => assert.ok(Math.abs(value - wanted[at]) < 1e-6, `${seen}`));

function posed(turns) {
  const skeleton = new Skeleton(HELLO);
  const pose = skeleton.makePose();
  for (const [bone, turn] of Object.entries(turns)) {
    const at = 4 * HELLO.bones.indexOf(bone);
    pose.rotations.set(turn, at);
    turnRotation(pose.rotations, at);
  }
  return { skeleton, pose };
}

function placeOf({ skeleton, pose }, bone) {
  const positions = new Float32Array(HELLO.bones.length * 3);
  skeleton.place(pose, positions);
  return positions.subarray(3 * HELLO.bones.indexOf(bone), 3 * HELLO.bones.indexOf(bone) + 3);
}

test("turning in Unity's space and coming over is coming over and turning in ours", () => {
  // 90° about Unity's y leads its +z to +x; both come over mirrored.
  const turn = new Float32Array([0, DOWN, 0, DOWN]);
  const ahead = new Float32Array([0, 0, 1]);
  turnRotation(turn);
  const out = new Float32Array(3);
  rotate(turn, 0, ahead, 0, out, 0);
  const wanted = new Float32Array([1, 0, 0]);
  turnPosition(wanted);
  near(out, wanted);
});

test("a left arm that VMC calls hanging hangs, on the person's left", () => {
  near(placeOf(posed({ LeftUpperArm: [0, 0, DOWN, DOWN] }), "LeftHand"), [0.2, 1, 0]);
  near(placeOf(posed({}), "LeftHand"), [0.7, 1.5, 0]);
});

test("a mirror shows the left arm as the right one", () => {
  const { skeleton, pose } = posed({ LeftUpperArm: [0, 0, DOWN, DOWN] });
  pose.root.set([0.1, 0, 0]);
  pose.shapes.set([0.5, 1, 0]);
  const seen = skeleton.makePose();
  skeleton.mirror(pose, seen);
  near(seen.rotations.subarray(12, 16), [0, 0, DOWN, DOWN]);
  near(seen.rotations.subarray(8, 12), [0, 0, 0, 1]);
  near(seen.root, [-0.1, 0, 0]);
  near(seen.shapes, [0.5, 0, 1]);
});

test("a bone that a model has not turns what hangs on it", () => {
  const { skeleton, pose } = posed({ Chest: [0, 0, DOWN, DOWN], LeftUpperArm: [0, 0, -DOWN, DOWN] });
  const rig = new Rig(skeleton, (name) => (name === "chest" ? null : name));
  const arm = rig.driven.find(({ node }) => node === "leftUpperArm");
  assert.deepEqual(arm.chain, [4, 2]);
  near(rig.turnOf(arm, pose.rotations), [0, 0, 0, 1]);
});

test("thumbs are called as VRM 1 calls them", () => {
  assert.deepEqual(
    ["LeftThumbProximal", "RightThumbIntermediate", "LeftThumbDistal", "LeftIndexProximal"].map(vrmNameOf),
    ["leftThumbMetacarpal", "rightThumbProximal", "leftThumbDistal", "leftIndexProximal"],
  );
});

test("between two rotations the shorter way is taken", () => {
  const out = new Float32Array(4);
  blendRotations(new Float32Array([0, 0, 0, 1]), new Float32Array([0, 0, -DOWN, -DOWN]), 0.5, out);
  near(out, [0, 0, Math.sin(Math.PI / 8), Math.cos(Math.PI / 8)]);
});

test("who holds still is shown still, though the rotations that arrive are rounded", () => {
  const held = new Float32Array([0.1, -0.2, 0.3, 0.93].map((part) => Math.round(part * 32767) / 32767));
  const out = new Float32Array(4);
  for (const share of [0, 0.3, 0.6, 1]) {
    blendRotations(held, held, share, out);
    assert.deepEqual([...out], [...held]);
  }
});

test("a track shows what lies between two states, and holds through gaps", () => {
  const skeleton = new Skeleton(HELLO);
  const track = new Track(skeleton);
  const state = makeState(skeleton);
  for (const [atMs, jaw] of [[1000, 0], [1020, 1], [2000, 0]]) {
    state.atMs = atMs;
    state.shapes[0] = jaw;
    track.note(state);
  }
  assert.deepEqual([900, 1010, 1500, 3000].map((atMs) => track.show(atMs).shapes[0]), [0, 0.5, 1, 0]);
});

test("who is alone walks through the room, and those side by side stay near their places", () => {
  const skeleton = new Skeleton(HELLO);
  const player = new Player({ number: 0, stream: "ada", avatar: null, mirror: false }, skeleton);
  const state = makeState(skeleton);
  state.atMs = 1;
  state.root.set([3, 0.5, -0.02]);
  player.track.note(state);
  player.show(1, false, true);
  near(player.pose.root, [3, 0.5, -0.02]);
  player.show(1, false, false);
  assert.ok(player.pose.root[0] < 0.46 && player.pose.root[1] === 0.5);
  assert.ok(Math.abs(player.pose.root[2] + 0.02) < 1e-4);
});

test("the service's clock is that of the quickest message of late", () => {
  const clock = new ServiceClock();
  clock.note(10_000, 100);
  clock.note(10_016, 180);
  assert.equal(clock.at(200), 10_100);
  assert.ok(Math.abs(clock.behindMs - 25) < 0.2);
  for (let second = 12; second < 20; second++) clock.note(second * 1000 - 100, second * 1000);
  assert.equal(clock.at(20_000), 19_900);
  assert.equal(clock.behindMs, 80);
});

test("latency is told by its middle and its twentieth", () => {
  const log = new LatencyLog();
  for (let frame = 1; frame <= 100; frame++) log.note(frame * 33, frame * 33 + 10, frame * 33 + frame, frame * 33);
  log.note(3_300, 0, 0, 3_400);
  assert.deepEqual(log.summarise(), { p50: 51, p95: 96, beforeService: 10 });
});

test("few stand side by side, many in rows that look between each other", () => {
  assert.deepEqual([1, 3].map((count) => columnsFor(count, 1.8)), [1, 3]);
  assert.ok(columnsFor(100, 1.8) > columnsFor(100, 0.6));
  for (let count = 1; count <= 100; count++) {
    for (const aspect of [0.6, 1.1, 1.8]) {
      const placed = placeAll(count, aspect);
      for (const one of placed) {
        const before = placed.filter(({ y }) => y < one.y && one.y - y < 1.5);
        for (const { x } of before) assert.ok(Math.abs(x - one.x) > 0.8, `${count} at ${aspect}`);
      }
    }
  }
  const places = placeAll(100, 1.8);
  assert.equal(new Set(places.map(({ x, z }) => `${x} ${z}`)).size, 100);
  assert.ok(places[99].y > 0 && places[99].z < 0);
});

// The service's own reading of the same shapes: tests/consumers/avatar/page/test_maths.py writes it there.
const SAID = process.env.HOLISTIC_EXPRESSIONS;

test("presets are those that receivers of VMC are sent", { skip: !SAID }, () => {
  for (const { shapes, presets } of JSON.parse(readFileSync(SAID, "utf8"))) {
    const seen = readPresets((name) => shapes[name] ?? 0);
    for (const [name, value] of Object.entries(seen)) {
      assert.ok(Math.abs(value - presets[name]) < 1e-9, `${name}: ${value}, not ${presets[name]}`);
    }
  }
});

test("what is chosen can be written into an address, and read from it", () => {
  const search = "?performer=ada%20b&mirror=1&background=00B140&frame=upper&labels=0&ui=0";
  const options = readOptions(search);
  assert.deepEqual(
    [options.performer, options.mirror, options.background, options.framing, options.labels, options.ui],
    ["ada b", true, "#00b140", "upper", false, false],
  );
  assert.deepEqual(readOptions(new URL(addressOf(options, "http://host/avatar/?x=1")).search), options);
  assert.equal(readOptions("?background=url(evil)&frame=x").background, "studio");
  const { replay } = readOptions("?from=1970-01-01T00:00:01Z&to=2000&speed=9");
  assert.deepEqual(replay, { from: 1000, to: 2000, speed: 1 });
});
