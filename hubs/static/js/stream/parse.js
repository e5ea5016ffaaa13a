// Parses text/event-stream from chunks that may end anywhere, even within a character.
export class Parser {
  constructor(onEvent, onRetry, onComment) {
    Object.assign(this, { onEvent, onRetry, onComment });
    this.decoder = new TextDecoder();
    this.rest = "";
    this.fields = {};
  }

  push(bytes) {
    this.rest += this.decoder.decode(bytes, { stream: true });
    // A CR at the very end may be half of a CRLF.
    const end = this.rest.endsWith("\r") ? this.rest.length - 1 : this.rest.length;
    const lines = this.rest.slice(0, end).split(/\r\n|\n|\r/);
    this.rest = lines.pop() + this.rest.slice(end);
    for (const line of lines) this.line(line);
  }

  line(line) {
    if (line === "") return this.dispatch();
    if (line.startsWith(":")) return this.onComment(line.slice(1).trim());
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.fields.data = "data" in this.fields ? `${this.fields.data}\n${value}` : value;
    else if (name === "retry" && /^\d+$/.test(value)) this.onRetry(Number(value));
    else if (name === "id" || name === "event" || name === "channel") this.fields[name] = value;
  }

  dispatch() {
    const { id = "", event = "message", channel = "", data } = this.fields;
    this.fields = {};
    if (data !== undefined) this.onEvent({ id, type: event, channel, data });
  }
}
