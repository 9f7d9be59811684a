// Rotations and positions: from Unity's space into three.js', mirrored, and between two moments.
//
// Unity's space is left-handed, three.js' right-handed; both have y up and the avatar facing +z. They are each other's
// mirror image in x: (x, y, z) is (-x, y, z), and a rotation (x, y, z, w), whose axis is mirrored and whose sense is
// turned about, is (x, -y, -z, w).

export type Numbers = Float32Array;

/** A position of one space in the other. */
export function turnPosition(position: Numbers, at = 0): void {
  position[at] = -position[at];
}

/** A rotation of one space in the other; a performer's mirror image in its own space too. */
export function turnRotation(rotations: Numbers, at = 0): void {
  rotations[at + 1] = -rotations[at + 1];
  rotations[at + 2] = -rotations[at + 2];
}

/** `first` times `second` (three.js' order: second is applied first), each four numbers, into `out` at `at`. */
export function multiply(
  first: Numbers,
  firstAt: number,
  second: Numbers,
  secondAt: number,
  out: Numbers,
  at: number,
): void {
  const [ax, ay, az, aw] = [first[firstAt], first[firstAt + 1], first[firstAt + 2], first[firstAt + 3]];
  const [bx, by, bz, bw] = [second[secondAt], second[secondAt + 1], second[secondAt + 2], second[secondAt + 3]];
  out[at] = ax * bw + aw * bx + ay * bz - az * by;
  out[at + 1] = ay * bw + aw * by + az * bx - ax * bz;
  out[at + 2] = az * bw + aw * bz + ax * by - ay * bx;
  out[at + 3] = aw * bw - ax * bx - ay * by - az * bz;
}

/** The point at `pointAt` turned by the rotation at `rotationAt`, into `out` at `at`. */
export function rotate(
  rotations: Numbers,
  rotationAt: number,
  points: Numbers,
  pointAt: number,
  out: Numbers,
  at: number,
): void {
  const [qx, qy, qz] = [rotations[rotationAt], rotations[rotationAt + 1], rotations[rotationAt + 2]];
  const qw = rotations[rotationAt + 3];
  const [x, y, z] = [points[pointAt], points[pointAt + 1], points[pointAt + 2]];
  const tx = 2 * (qy * z - qz * y);
  const ty = 2 * (qz * x - qx * z);
  const tz = 2 * (qx * y - qy * x);
  out[at] = x + qw * tx + qy * tz - qz * ty;
  out[at + 1] = y + qw * ty + qz * tx - qx * tz;
  out[at + 2] = z + qw * tz + qx * ty - qy * tx;
}

/**
 * All rotations between two moments, the shorter way round, of unit length. States come 60 times a second, and between
 * two so near ones the straight line differs from the arc by less than a hundredth of a degree. One that is the same at
 * both is so in between, to the last bit: states come rounded, and who holds still would tremble by what that took off.
 */
export function blendRotations(from: Numbers, to: Numbers, share: number, out: Numbers): void {
  for (let at = 0; at < out.length; at += 4) {
    if (isSame(from, to, at)) {
      for (let part = at; part < at + 4; part++) out[part] = from[part];
      continue;
    }
    const dot = from[at] * to[at] + from[at + 1] * to[at + 1] + from[at + 2] * to[at + 2] + from[at + 3] * to[at + 3];
    const other = dot < 0 ? -share : share;
    let squares = 0;
    for (let part = at; part < at + 4; part++) {
      out[part] = from[part] * (1 - share) + to[part] * other;
      squares += out[part] * out[part];
    }
    const length = Math.sqrt(squares);
    for (let part = at; part < at + 4; part++) out[part] = length > 0 ? out[part] / length : Number(part === at + 3);
  }
}

function isSame(one: Numbers, other: Numbers, at: number): boolean {
  for (let part = at; part < at + 4; part++) if (one[part] !== other[part]) return false;
  return true;
}

/** Numbers between two moments. */
export function blend(from: Numbers, to: Numbers, share: number, out: Numbers): void {
  for (let at = 0; at < out.length; at++) out[at] = from[at] + (to[at] - from[at]) * share;
}
