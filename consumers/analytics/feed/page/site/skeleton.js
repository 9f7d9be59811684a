// The newest skeleton of one stream, for as long as that stream is shown.

const PROTOCOL = "holistic.v1";
const RETRY_MS = 2_000;

/** Events: `frame`, with the frame as detail. Trouble is told by the events' connection, which meets the same. */
export class SkeletonConnection extends EventTarget {
  #socket = null;
  #timer = 0;
  #wanted = null;

  /** Watch a stream; null watches none. */
  watch(stream, key) {
    if (this.#wanted && stream === this.#wanted.stream && key === this.#wanted.key) return;
    this.#wanted = stream === null ? null : { stream, key };
    this.#leave();
    if (this.#wanted) this.#connect();
  }

  #leave() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
  }

  #connect() {
    const { stream, key } = this.#wanted;
    const address = new URL("../v1/skeleton/ws", document.baseURI);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("stream", stream);
    const socket = new WebSocket(address, key ? [PROTOCOL, `key.${key}`] : [PROTOCOL]);
    this.#socket = socket;
    socket.onmessage = (message) => {
      if (socket === this.#socket) this.dispatchEvent(new CustomEvent("frame", { detail: JSON.parse(message.data) }));
    };
    socket.onclose = () => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.#timer = setTimeout(() => this.#connect(), RETRY_MS);
    };
  }
}
