// Why a stream was not opened. Browsers keep the answer to a refused WebSocket to themselves, so the API is asked.

import { endSentence } from "./status.js";

const ASK_MS = 5000;

/**
 * A sentence, and whether it is `final`: whether trying again without a change is no use. `taken` says that somebody
 * has the stream, who may be this page a moment ago.
 */
export async function askWhy({ stream, key }) {
  const answer = await ask(`../v1/streams/${encodeURIComponent(stream)}`, key);
  if (answer === null) return { sentence: "The server cannot be reached.", final: false };
  if (answer.status === 401) return { sentence: sayKeyRefused(key), final: true };
  const error = (await answer.json().catch(() => null))?.error;
  if (answer.status === 403) {
    const said = error ? [error.message, error.hint].filter(Boolean).map(endSentence).join(" ") : null;
    return { sentence: said ?? "This API key may not send to this stream.", final: true };
  }
  if (answer.ok) {
    return { sentence: `Somebody sends to the stream “${stream}” already. Another name would be free.`, final: false, taken: true };
  }
  if (answer.status !== 404) {
    return { sentence: error ? endSentence(error.message) : `The server answered ${answer.status}.`, final: answer.status === 400 };
  }
  // Nobody has the stream, and the key may have it.
  const state = await (await ask("../readyz"))?.json().catch(() => null);
  if (state?.ready === false) {
    return { sentence: `The server is not ready: ${endSentence((state.reasons ?? []).join(", ") || "it does not say why")}`, final: false };
  }
  return { sentence: "The server did not open the stream. It may have no room, or not know pages from this address.", final: false };
}

/** What a 401 means to whoever has or has not entered a key. */
export function sayKeyRefused(key) {
  return `${key ? "The server does not know this API key." : "The server asks for an API key."} Enter one in the settings.`;
}

async function ask(path, key = "") {
  try {
    return await fetch(new URL(path, document.baseURI), {
      headers: key ? { authorization: `Bearer ${key}` } : {},
      signal: AbortSignal.timeout(ASK_MS),
    });
  } catch {
    return null;
  }
}
