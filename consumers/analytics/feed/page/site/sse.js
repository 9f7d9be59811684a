// Server-Sent Events as they come over the wire. EventSource could not send the key.

/**
 * Gives each message {id, event, data} of the text it is given, in pieces cut anywhere, to `onMessage`;
 * data is the JSON's value. Comments and messages without data are passed over.
 */
export class SseParser {
  #rest = "";
  #message = {};
  #onMessage;

  constructor(onMessage) {
    this.#onMessage = onMessage;
  }

  push(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    for (const line of lines) this.#read(line);
  }

  #read(line) {
    if (line === "") {
      const { id = null, event = "message", data } = this.#message;
      this.#message = {};
      if (data !== undefined) this.#onMessage({ id, event, data: JSON.parse(data) });
      return;
    }
    const colon = line.indexOf(":");
    if (colon <= 0) return;
    const value = line.slice(colon + 1).replace(/^ /, "");
    this.#message[line.slice(0, colon)] = value;
  }
}
