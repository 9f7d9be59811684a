// Where things are on the stage. Sizes are {width, height}; a place is {left, top, width, height}.

/** The largest place of the picture's shape inside a box, in its middle. */
export function fitInside(picture, box) {
  if (!picture.width || !picture.height) return { left: 0, top: 0, width: box.width, height: box.height };
  const scale = Math.min(box.width / picture.width, box.height / picture.height);
  const width = picture.width * scale;
  const height = picture.height * scale;
  return { left: (box.width - width) / 2, top: (box.height - height) / 2, width, height };
}

/** A picture's size with its longer side at most `longest`, never larger than it was. Whole pixels, at least one. */
export function shrinkTo(picture, longest) {
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
  return {
    width: Math.max(1, Math.round(picture.width * scale)),
    height: Math.max(1, Math.round(picture.height * scale)),
  };
}

/** x on the stage of a fraction of the picture's width; a reflected picture runs the other way. */
export function placeX(fraction, place, flipped) {
  return place.left + (flipped ? 1 - fraction : fraction) * place.width;
}

/** y on the stage of a fraction of the picture's height. */
export function placeY(fraction, place) {
  return place.top + fraction * place.height;
}

/**
 * Whether the picture has to be reflected to be shown as wanted.
 * A source that shows its person as in a mirror already is reflected once: twice would undo it.
 */
export function mustFlip(viewAsInMirror, sourceIsMirrored) {
  return viewAsInMirror !== sourceIsMirrored;
}
