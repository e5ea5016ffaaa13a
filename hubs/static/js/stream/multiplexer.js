// Shares one connection among all pages of a browser: subscribes for all, and gives each page its own events.
import { Connection } from "./connection.js";

// Maximum tokens per request (a limit of the server); milliseconds to collect pages that join together; minimum time
// between reconnects for pages; interval of checks whether a page still exists.
const MOST = 100;
const TOGETHER = 50;
const APART = 1500;
const ASK = 30000;

export class Multiplexer {
  // `send` takes the name of a page and a message.
  constructor(send) {
    this.send = send;
    this.pages = new Map();
    this.connection = null;
    this.state = "waiting";
    this.opened = 0;
    this.timer = 0;
    setInterval(() => this.ask(), ASK);
  }

  // Messages of a page: join (also renews its token), leave, or here.
  hear(message) {
    const page = this.pages.get(message.page);
    if (message.say === "join") this.join(message, page);
    else if (message.say === "leave") this.leave(message.page);
    else if (message.say === "here" && page) page.missed = 0;
  }

  join({ page: name, url, token, cursor, channels }, known) {
    const same = known?.served && known.channels.join() === channels.join();
    const page = { token, cursor, channels, missed: 0, served: Boolean(same && this.connection?.run) };
    this.pages.set(name, page);
    this.connection ??= new Connection(url, (message) => this.receive(message));
    // Its new token is for the next connection; the current one continues.
    if (!page.served) this.later();
    else this.connection.cursor = oldest([...this.pages.values()].filter((other) => other.served));
    this.send(name, page.served ? { state: this.state, beatAge: this.beatAt && Date.now() - this.beatAt } : { heard: true });
  }

  leave(name) {
    if (this.pages.delete(name)) this.later();
  }

  later() {
    if (this.timer) return;
    const { troubled, backoff } = this.connection;
    const wait = Math.max(TOGETHER, this.opened + APART - Date.now(), troubled ? backoff.untilAllowed() : 0);
    this.timer = setTimeout(() => this.open(), wait);
  }

  open() {
    this.timer = 0;
    const pages = [...this.pages.values()].filter((page) => page.token);
    if (!pages.length) {
      this.connection.close();
      return;
    }
    // Leaving pages need no new connection.
    if (this.connection.run && pages.every((page) => page.served)) return;
    // Pages with the same channels share the newest token.
    const tokens = new Map(pages.slice(-MOST).map((page) => [page.channels.join(), page.token]));
    for (const page of pages) {
      page.used = tokens.get(page.channels.join());
      page.served = Boolean(page.used);
    }
    this.opened = Date.now();
    if (this.connection.troubled) this.connection.backoff.tried();
    this.connection.open([...tokens.values()], oldest(pages.filter((other) => other.served)));
  }

  receive({ event, state, refused, beat }) {
    if (event) this.deliver(event);
    else if (beat !== undefined) {
      this.beatAt = Date.now() - 1000 * beat;
      for (const [name, page] of this.pages) if (page.served) this.send(name, { beatAge: 1000 * beat });
    }
    else if (refused !== undefined) this.refuse(refused);
    else {
      this.state = state;
      for (const [name, page] of this.pages) if (page.served) this.send(name, { state });
    }
  }

  deliver(event) {
    for (const [name, page] of this.pages) {
      if (!page.served || (event.id && !isAfter(event.id, page.cursor))) continue;
      if (event.id) page.cursor = event.id;
      if (!event.channel || page.channels.includes(event.channel)) this.send(name, { event });
    }
  }

  refuse(tokens) {
    for (const [name, page] of this.pages) {
      if (!page.served || (tokens && !tokens.includes(page.used))) continue;
      Object.assign(page, { token: "", served: false });
      this.send(name, { refused: true });
    }
  }

  ask() {
    for (const [name, page] of this.pages) {
      page.missed += 1;
      if (page.missed > 3) this.leave(name);
      else this.send(name, { ask: true });
    }
  }
}

// Ids are ordered within an epoch; an event of another epoch is never older.
function isAfter(id, cursor) {
  const [epoch, number] = split(id);
  const [other, last] = split(cursor);
  return epoch !== other || number > last;
}

// The cursor from which no page misses events; none if epochs differ, which the server answers with a reset.
function oldest(pages) {
  const cursors = pages.map((page) => page.cursor);
  const epochs = new Set(cursors.map((cursor) => split(cursor)[0]));
  if (epochs.size !== 1) return "";
  return cursors.reduce((least, cursor) => (split(cursor)[1] < split(least)[1] ? cursor : least));
}

function split(id) {
  const dash = id.lastIndexOf("-");
  return [id.slice(0, Math.max(0, dash)), Number(id.slice(dash + 1)) || 0];
}
