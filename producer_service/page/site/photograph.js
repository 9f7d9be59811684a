// A photo, from the person's file to what became of it.

import { drawSmall, encodeJpeg } from "./encoder.js";
import { uploadPhoto } from "./photo.js";
import { addNetwork } from "./tally.js";

const LONGEST = 1920;

/** Send a photo, book it, and give {head, parts, roundTripMs, steps}. What is sent is drawn anew: no place or time of the file goes along. */
export async function photograph(source, wanted, quality, tally) {
  const canvas = document.createElement("canvas");
  drawSmall(source.bitmap, source.size, LONGEST, canvas);
  const jpeg = new Blob([await encodeJpeg(canvas, Math.max(quality, 0.9))], { type: "image/jpeg" });
  const takenAtMs = performance.now();
  const outcome = await uploadPhoto(jpeg, wanted);
  tally.sent += 1;
  const nowMs = performance.now();
  const roundTripMs = nowMs - takenAtMs;
  tally.count(outcome.head, roundTripMs, nowMs);
  const { spent } = outcome.head;
  return { ...outcome, roundTripMs: spent ? roundTripMs : null, steps: spent ? addNetwork(spent, roundTripMs) : null };
}
