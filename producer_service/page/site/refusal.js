// Why a stream was not opened. Browsers keep the answer to a refused WebSocket to themselves, so the API is asked.

const ASK_MS = 5000;

/** A sentence, and whether it is `final`: whether trying again without a change is no use. */
export async function askWhy({ stream, key }) {
  let answer;
  try {
    answer = await fetch(new URL("../v1/streams", document.baseURI), {
      headers: key ? { authorization: `Bearer ${key}` } : {},
      signal: AbortSignal.timeout(ASK_MS),
    });
  } catch {
    return { sentence: "The server cannot be reached.", final: false };
  }
  if (answer.status === 401) {
    const sentence = key ? "The server does not know this API key." : "The server asks for an API key.";
    return { sentence: `${sentence} Enter one in the settings.`, final: true };
  }
  if (answer.status === 403) return { sentence: "This API key may not be used for that.", final: true };
  if (answer.status === 429 || answer.status === 503) return { sentence: "The server has too much to do.", final: false };
  if (!answer.ok) return { sentence: `The server answered ${answer.status}.`, final: false };
  if (namesOf(await answer.json().catch(() => null)).includes(stream)) {
    return { sentence: `Somebody is sending to the stream “${stream}” already. Another name would be free.`, final: false };
  }
  return {
    sentence: `The server did not open the stream “${stream}”: the key may own other names, or pages from here are not let in.`,
    final: false,
  };
}

function namesOf(body) {
  const streams = Array.isArray(body) ? body : (body?.streams ?? []);
  return streams.map((each) => (typeof each === "string" ? each : each.stream_id));
}
