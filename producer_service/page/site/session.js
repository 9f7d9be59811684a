// What this tab remembers until it is closed. Where the browser keeps nothing, it is remembered until the next load.

const PREFIX = "holistic.";
const memory = new Map();

export function recall(name, otherwise = null) {
  try {
    return sessionStorage.getItem(PREFIX + name) ?? otherwise;
  } catch {
    return memory.get(name) ?? otherwise;
  }
}

export function remember(name, value) {
  try {
    if (value === null) sessionStorage.removeItem(PREFIX + name);
    else sessionStorage.setItem(PREFIX + name, value);
  } catch {
    if (value === null) memory.delete(name);
    else memory.set(name, value);
  }
}
