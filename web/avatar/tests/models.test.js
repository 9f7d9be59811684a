// Where the page's models come from, without a browser: `npm test`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Models } from "../src/models.ts";

test("a model that could not be fetched is asked for again, and one that was is not", async (context) => {
  globalThis.location = { hash: "" };
  const answers = [new Response("", { status: 503 }), new Response("no model")];
  const fetched = context.mock.method(globalThis, "fetch", async () => answers.shift());
  const models = new Models();
  const ada = { number: 0, stream: "ada", avatar: "fox.vrm", mirror: false };
  await assert.rejects(models.makeAvatar(ada, null), /answered 503 when asked for fox.vrm/);
  await assert.rejects(models.makeAvatar(ada, null), /no VRM file/);
  await assert.rejects(models.makeAvatar(ada, null), /no VRM file/);
  assert.deepEqual(fetched.mock.calls.map((call) => call.arguments[0]), ["models/fox.vrm", "models/fox.vrm"]);
});
