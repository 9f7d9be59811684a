// The key of a service that asks for one: kept in this tab alone, never in an address that is sent.

const NAME = "holistic-avatar-key";
const SUBPROTOCOL = "holistic.v1";
const IS_TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

export function recallKey(): string {
  // What follows # stays in the browser: so a browser source of OBS can have the key in its address.
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  try {
    if (given) sessionStorage.setItem(NAME, given);
    return given ?? sessionStorage.getItem(NAME) ?? "";
  } catch {
    return given ?? "";
  }
}

export function rememberKey(key: string): void {
  const behind = new URLSearchParams(location.hash.slice(1));
  // One in the address wins: another one that is typed in takes its place.
  behind.delete("key");
  try {
    sessionStorage.setItem(NAME, key);
  } catch {
    behind.set("key", key);
  }
  location.hash = behind.toString();
}

/** What a WebSocket offers: browsers can give it no header. A key is a token, or `user:password`. */
export function offeredProtocols(key: string): string[] {
  if (!key) return [];
  const coded = encode(key).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return [SUBPROTOCOL, `key.${coded}`, ...(IS_TOKEN.test(key) ? [`key.${key}`] : [])].filter(isNew);
}

/** Asks the service with the key, and without the browser's own question for a password. */
export function ask(path: string, request: RequestInit = {}): Promise<Response> {
  const headers = { ...authorization(recallKey()), "content-type": "application/json" };
  return fetch(path, { ...request, headers, credentials: "omit" });
}

function authorization(key: string): Record<string, string> {
  if (!key) return {};
  return { authorization: key.includes(":") ? `Basic ${encode(key)}` : `Bearer ${key}` };
}

function encode(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function isNew(one: string, at: number, all: string[]): boolean {
  return all.indexOf(one) === at;
}
