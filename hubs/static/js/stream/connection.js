// One connection to the event server: a stream, or long polling where a proxy buffers streams.
import { Backoff } from "./backoff.js";
import { Parser } from "./parse.js";

// Timeouts in milliseconds: for the first event of a stream, and for silence after it.
const HELLO = 8000;
const SILENCE = 15000;
// Minimum time between polls, and how long polling lasts until a stream is tried again.
const POLL_PAUSE = 2000;
// Seconds that a poll waits for events; its response also carries the heartbeat.
const POLL_WAIT = "5";
const POLLING = 300000;
// Spread of reconnects after the server closed all streams, and after this connection ended.
const SPREAD = 10000;
const SOON = 2000;

export class Connection {
  // Calls `tell` with {event}, {state}, {beat: seconds since the daemon's last heartbeat}, or {refused: tokens or null for all}.
  constructor(url, tell) {
    this.url = url;
    this.tell = tell;
    this.backoff = new Backoff();
    this.pollUntil = this.refusedAt = 0;
    this.run = null;
    self.addEventListener("online", () => this.hurry?.());
  }

  // Whether the connection is failing: then the backoff also applies to requests of pages.
  get troubled() {
    return this.backoff.failures > 0 || Date.now() - this.refusedAt < 60000;
  }

  // Reopens the connection with these tokens at this cursor.
  open(tokens, cursor) {
    this.close();
    Object.assign(this, { tokens, cursor });
    const run = { stop: new AbortController() };
    this.run = run;
    this.loop(run).catch((error) => console.error(error));
  }

  close() {
    this.run?.stop.abort();
    this.run = null;
  }

  state(state) {
    this.tell({ state });
  }

  async loop(run) {
    let first = true;
    while (this.run === run) {
      const wait = first ? 0 : this.delay();
      if (wait) await this.pause(wait, run.stop.signal);
      if (this.run !== run) return;
      if (!first && !this.smooth) this.backoff.tried();
      first = false;
      Object.assign(this, { spread: 0, retryAfter: 0 });
      const mended = await this.attempt(run);
      if (this.run !== run) return;
      if (mended) this.backoff.failures = 0;
      else this.backoff.failures += 1;
      if (!this.smooth) this.state(this.backoff.failures > 3 || self.navigator.onLine === false ? "offline" : "waiting");
    }
  }

  delay() {
    if (this.smooth) return Math.max(0, this.started + POLL_PAUSE - Date.now());
    return this.backoff.wait(this.spread, this.retryAfter);
  }

  // Performs one request; returns whether it succeeded.
  async attempt(run) {
    const polls = Date.now() < this.pollUntil;
    this.started = Date.now();
    const abort = new AbortController();
    run.stop.signal.addEventListener("abort", () => abort.abort(), { once: true });
    // A poll may take as long as a heartbeat.
    const watch = { abort, hello: false, timer: 0 };
    this.expect(watch, polls ? SILENCE : HELLO);
    try {
      const answer = await this.request(polls, abort.signal);
      this.smooth = false;
      if (!(await this.accepts(answer))) return false;
      if (polls) this.state("live");
      await this.read(answer.body.getReader(), watch, polls);
      this.smooth = polls && !this.bye;
      return true;
    } catch {
      this.smooth = false;
      if (!polls && abort.signal.aborted && !watch.hello && this.run === run) this.pollUntil = Date.now() + POLLING;
      return watch.hello;
    } finally {
      clearTimeout(watch.timer);
      abort.abort();
    }
  }

  request(polls, signal) {
    // Tokens are in the body, where they do not end up in access logs.
    const body = new URLSearchParams(this.tokens.map((token) => ["token", token]));
    body.set("cursor", this.cursor);
    // The first poll only checks whether polling works.
    if (polls) body.set("wait", this.smooth ? POLL_WAIT : "0");
    const options = { method: "POST", body, signal, credentials: "omit", cache: "no-store", redirect: "error" };
    return fetch(polls ? `${this.url}/poll` : this.url, options);
  }

  // A captive portal answers everything with a page of its own: accept an event stream only.
  async accepts(answer) {
    if (answer.ok && (answer.headers.get("Content-Type") || "").startsWith("text/event-stream")) return true;
    this.retryAfter = 1000 * Math.min(300, Number(answer.headers.get("Retry-After")) || 0);
    if (answer.status === 403) {
      this.refuse(null);
      this.close();
    }
    return false;
  }

  async read(reader, watch, polls) {
    this.bye = false;
    const parser = new Parser(
      (event) => this.hear(event),
      () => {},
      (comment) => {
        if (comment === "bye") this.bye = true;
        if (comment.startsWith("hb ")) this.tell({ beat: Number(comment.split(" ")[1]) || 0 });
        if (comment === "hello" || polls) watch.hello = true;
        if (comment === "hello") this.state("live");
      },
    );
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parser.push(value);
      if (!polls && watch.hello) this.expect(watch, SILENCE);
    }
    this.spread = this.bye ? SPREAD : SOON;
  }

  hear(event) {
    if (event.id) this.cursor = event.id;
    if (event.type === "refused") this.refuse(JSON.parse(event.data).tokens);
    else this.tell({ event });
  }

  expect(watch, time) {
    clearTimeout(watch.timer);
    watch.timer = setTimeout(() => watch.abort.abort(), time);
  }

  refuse(tokens) {
    this.refusedAt = Date.now();
    this.tell({ refused: tokens });
  }

  // Waits, until the network is back or the connection is closed.
  pause(time, signal) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, time);
      const end = () => {
        clearTimeout(timer);
        resolve();
      };
      this.hurry = () => this.backoff.untilAllowed() || end();
      signal.addEventListener("abort", end);
    });
  }
}
