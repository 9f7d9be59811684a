// Where performers stand: side by side, and in rows that rise like a choir's when there are many.

export interface Place {
  x: number;
  y: number;
  z: number;
}

const ACROSS_M = 1.7;
const ROW_RISES_M = 1.15;
const ROW_BACK_M = 0.7;
const PERSON_M = 2.05;
/** One row is taken where people are shown this much smaller by it. */
const ONE_ROW_LIKED = 1.5;

/** The number of columns with which `count` people fill a picture of this aspect (width to height) best. */
export function columnsFor(count: number, aspect: number): number {
  let best = 1;
  let bestSize = 0;
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const across = columns + (rows > 1 ? 0.5 : 0);
    const liking = rows === 1 ? ONE_ROW_LIKED : 1;
    const size = liking * Math.min(aspect / (across * ACROSS_M), 1 / (PERSON_M + (rows - 1) * ROW_RISES_M));
    if (size > bestSize + 1e-9) [best, bestSize] = [columns, size];
  }
  return best;
}

/** One place each, the first in front and at the left of the picture; who is behind looks between those before. */
export function placeAll(count: number, aspect: number): Place[] {
  const columns = columnsFor(count, aspect);
  const rows = Math.ceil(count / columns);
  const inLast = count - (rows - 1) * columns;
  // A last row of one less, or three, lies between the others by itself.
  const isOdd = (columns - inLast) % 2 === 1;
  const aside = rows > 1 && !(rows === 2 && isOdd) ? 0.25 : 0;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const isLast = row === rows - 1;
    const inRow = isLast ? inLast : columns;
    const likeBefore = isLast && isOdd ? 1 : 0;
    const shift = (row + likeBefore) % 2 === 0 ? -aside : aside;
    return { x: ((index % columns) - (inRow - 1) / 2 + shift) * ACROSS_M, y: row * ROW_RISES_M, z: -row * ROW_BACK_M };
  });
}
