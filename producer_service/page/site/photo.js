// One photo: sent as an upload, which stands alone and has no stream's past.

import { sayKeyRefused } from "./refusal.js";
import { endSentence } from "./status.js";

const ASK_MS = 60_000;

/**
 * Send a JPEG and give what became of it, as a WebSocket would have said it: {head, parts}.
 * Raises an Error with a sentence when the server is away or lets nobody in.
 * @param {Blob} jpeg
 * @param {{stream: string, key: string, mirrored: boolean}} wanted
 */
export async function uploadPhoto(jpeg, { stream, key, mirrored }) {
  const address = new URL("../upload", document.baseURI);
  address.searchParams.set("landmarks", "true");
  address.searchParams.set("stream", stream);
  address.searchParams.set("mirrored", String(mirrored));
  const form = new FormData();
  form.append("file", jpeg, "photo.jpg");
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST",
      body: form,
      headers: key ? { authorization: `Bearer ${key}` } : {},
      signal: AbortSignal.timeout(ASK_MS),
    });
  } catch {
    throw new Error("The server cannot be reached. The photo was not sent.");
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return { head: { ...body, status: "acknowledged" }, parts: partsOf(body.landmarks ?? {}) };
  return { head: readRefusal(answer, body.error, key), parts: new Map() };
}

function readRefusal(answer, { code, message, hint } = {}, key) {
  const sentences = {
    no_person: "Nobody was found in the photo.",
    401: sayKeyRefused(key),
    403: "This API key may not send to this stream.",
  };
  const said = message ? endSentence(hint ? `${endSentence(message)} ${endSentence(hint)}` : message) : null;
  return {
    status: answer.status === 503 || answer.status === 429 ? "dropped" : "rejected",
    reason: code ?? `http_${answer.status}`,
    message: sentences[code] ?? sentences[answer.status] ?? said ?? `The server answered ${answer.status}.`,
  };
}

/** Parts as unpackAnswer gives them, from JSON: one list of numbers a point. */
function partsOf(landmarks) {
  const parts = new Map();
  for (const [name, points] of Object.entries(landmarks)) {
    if (!points?.length) continue;
    parts.set(name, { points: points.length, width: points[0].length, values: Float32Array.from(points.flat()) });
  }
  return parts;
}
