// What this tab remembers until it is closed; where the browser keeps nothing, until the next load.

const NAME = "holistic.feed.key";
let inMemory = "";

export function recallKey() {
  try {
    return sessionStorage.getItem(NAME) ?? "";
  } catch {
    return inMemory;
  }
}

export function rememberKey(key) {
  inMemory = key;
  try {
    sessionStorage.setItem(NAME, key);
  } catch {
    // It is asked for again after a reload.
  }
}
