// Which key the page asks the service with, without a browser: `npm test`.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { offeredProtocols, recallKey, rememberKey } from "../src/key.ts";

let kept;

beforeEach(() => {
  kept = new Map();
  globalThis.location = new URL("http://localhost:8085/avatar/");
  globalThis.sessionStorage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value) };
});

test("a key that is typed in is kept in the tab", () => {
  assert.equal(recallKey(), "");
  rememberKey("s3cret");
  assert.equal(recallKey(), "s3cret");
  assert.equal(location.hash, "");
});

test("a key that is typed in takes the place of a wrong one in the address", () => {
  location.hash = "#key=wrong";
  assert.equal(recallKey(), "wrong");
  rememberKey("right");
  assert.equal(recallKey(), "right");
});

test("where a browser keeps nothing the key stays behind the address's #", () => {
  globalThis.sessionStorage = {
    getItem: () => null,
    setItem: () => {
      throw new Error("nothing is kept here");
    },
  };
  rememberKey("s3cret");
  assert.equal(recallKey(), "s3cret");
});

test("a WebSocket offers a key as it is, and as user and password", () => {
  assert.deepEqual(offeredProtocols(""), []);
  assert.deepEqual(offeredProtocols("t0ken"), ["holistic.v1", "key.dDBrZW4", "key.t0ken"]);
  assert.deepEqual(offeredProtocols("ada:é"), ["holistic.v1", "key.YWRhOsOp"]);
});
