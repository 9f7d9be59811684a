// Pictures as JPEGs that fit into one message.

import { shrinkTo } from "./geometry.js";
import { MAX_PICTURE_BYTES } from "./wire.js";

const LEAST_QUALITY = 0.4;

/** Draw `source` into `canvas`, with its longer side at most `longest` px, and give the size it got. */
export function drawSmall(source, sourceSize, longest, canvas) {
  const size = shrinkTo(sourceSize, longest);
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  // Read back for every picture: kept where the processor has it.
  canvas.getContext("2d", { alpha: false, willReadFrequently: true }).drawImage(source, 0, 0, size.width, size.height);
  return size;
}

/** The canvas as a JPEG of at most `maxBytes`: coarser until it fits. Raises an Error when it never does. */
export async function encodeJpeg(canvas, quality, maxBytes = MAX_PICTURE_BYTES) {
  for (let tried = quality; ; tried -= 0.15) {
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", Math.max(tried, LEAST_QUALITY)));
    if (!blob) throw new Error("the browser could not encode the picture");
    if (blob.size <= maxBytes) return blob.arrayBuffer();
    if (tried <= LEAST_QUALITY) throw new Error("the picture is too large to be sent; choose a smaller picture size");
  }
}
