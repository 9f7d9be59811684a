// The WebSocket protocol, as bytes. Nothing here knows of sockets.

export const MAX_MESSAGE_BYTES = 1024 * 1024;
export const HEAD_OF_A_PICTURE_BYTES = 12;
export const MAX_PICTURE_BYTES = MAX_MESSAGE_BYTES - HEAD_OF_A_PICTURE_BYTES;

/**
 * A picture as a message: u32 number, f64 capture time (ms since 1970, 0: when it arrives), then its bytes.
 * @param {number} number
 * @param {number} capturedAtMs
 * @param {ArrayBuffer} picture a JPEG, PNG or WebP of at most MAX_PICTURE_BYTES
 * @returns {ArrayBuffer}
 */
export function packPicture(number, capturedAtMs, picture) {
  if (picture.byteLength > MAX_PICTURE_BYTES) {
    throw new RangeError(`the picture has ${picture.byteLength} bytes, ${MAX_PICTURE_BYTES} can be sent`);
  }
  const message = new ArrayBuffer(HEAD_OF_A_PICTURE_BYTES + picture.byteLength);
  const head = new DataView(message);
  head.setUint32(0, number, true);
  head.setFloat64(4, capturedAtMs, true);
  new Uint8Array(message, HEAD_OF_A_PICTURE_BYTES).set(new Uint8Array(picture));
  return message;
}

/**
 * What became of a picture: the head as the server said it, and the parts found, by name.
 * A part is {points, width, values}: `width` float32 values a point. What was not seen is not there.
 * @param {ArrayBuffer} message
 */
export function unpackAnswer(message) {
  if (message.byteLength < 4) throw new Error("an answer of fewer than four bytes");
  const headBytes = new DataView(message).getUint32(0, true);
  const start = 4 + headBytes;
  if (start > message.byteLength) throw new Error("an answer that ends within its head");
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(message, 4, headBytes)));
  return { head, parts: readParts(head.parts ?? [], message.slice(start)) };
}

/** Values of `[name, points, width]` one after the other. */
function readParts(shapes, bytes) {
  const parts = new Map();
  let at = 0;
  for (const [name, points, width] of shapes) {
    const count = points * width;
    if ((at + count) * 4 > bytes.byteLength) throw new Error(`an answer that ends within its ${name}`);
    parts.set(name, { points, width, values: new Float32Array(bytes, at * 4, count) });
    at += count;
  }
  return parts;
}
