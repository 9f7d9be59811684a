// Names of streams, and keys: what can be used, said before the server has to.

const MAX_CHARACTERS = 512;
const CALM = ["calm", "bright", "quiet", "swift", "gentle", "merry", "bold", "keen", "sunny", "nimble"];
const ANIMALS = ["otter", "heron", "lynx", "wren", "fox", "seal", "crane", "hare", "robin", "ibex"];

/** A friendly name nobody else is likely to use. */
export function inventName(random = Math.random) {
  const pick = (words) => words[Math.floor(random() * words.length)];
  return `${pick(CALM)}-${pick(ANIMALS)}-${10 + Math.floor(random() * 990)}`;
}

/** Why a stream cannot be called that, as a sentence; null when it can. */
export function refuseName(name) {
  const characters = [...name].length;
  if (!characters) return "A stream needs a name.";
  if (characters > MAX_CHARACTERS) return `A stream's name has at most ${MAX_CHARACTERS} characters, this one ${characters}.`;
  if (name.includes("\0")) return "A stream's name cannot hold the character U+0000.";
  if (/[\ud800-\udfff]/u.test(name)) return "A stream's name must be text that UTF-8 can hold.";
  // These change which address is asked for, however they are escaped.
  if (name.includes("/")) return "On this page a stream's name cannot hold a slash.";
  if (/^\.{1,2}$/.test(name)) return "On this page a stream's name cannot be of dots alone.";
  return null;
}

/** Why a key cannot be one, as a sentence; null when it can, or where there is none. */
export function refuseKey(key) {
  // A key travels as the name of a subprotocol, which has these characters alone.
  if (/^[A-Za-z0-9!#$%&'*+.^_`|~-]*$/.test(key)) return null;
  return "This is no API key: it holds a character no key has. Was something else pasted?";
}
