// How a page reaches a switchboard: a SharedWorker, else the page that holds a lock, else one of its own.
import { Switchboard } from "./switchboard.js";

// Milliseconds within which a switchboard elsewhere must have answered.
const PATIENCE = 5000;
const NAME = "hubs.stream";
// The switchboard asks every half minute whether a page is there; one that has not asked for long is gone.
const ASK = 30000;
const GONE = 5;

export class Link {
  // `hear` gets what the switchboard says; `lost` is called when another way had to be taken: the page joins again.
  constructor(hear, lost) {
    this.page = `${Date.now()}-${Math.random()}`;
    this.hear = hear;
    this.lost = lost;
    this.start();
    window.setInterval(() => this.check(), ASK);
  }

  start() {
    this.missed = 0;
    this.ways = [bySharedWorker, byLeader, byItself];
    this.next();
  }

  check() {
    this.missed += 1;
    if (this.missed < GONE) return;
    this.start();
    this.lost();
  }

  next() {
    const way = this.ways.shift();
    this.answered = false;
    try {
      this.post = way((message) => this.got(message), this.page, () => this.fail());
    } catch {
      this.next();
    }
  }

  say(say, more = {}) {
    this.post({ say, page: this.page, ...more });
    if (say !== "join" || this.answered || !this.ways.length) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.answered || this.fail(), PATIENCE);
  }

  got(message) {
    this.answered = true;
    this.missed = 0;
    if (message.ask) this.say("here");
    else this.hear(message);
  }

  fail() {
    if (this.answered || !this.ways.length) return;
    clearTimeout(this.timer);
    this.next();
    this.lost();
  }
}

function bySharedWorker(got, page, fail) {
  const worker = new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name: NAME });
  worker.addEventListener("error", fail);
  worker.port.addEventListener("message", ({ data }) => got(data));
  worker.port.start();
  return (message) => worker.port.postMessage(message);
}

function byLeader(got, page) {
  if (!navigator.locks) throw new Error("this browser has no locks");
  const channel = new BroadcastChannel(NAME);
  let switchboard = null;
  channel.addEventListener("message", ({ data }) => {
    if (data.to === page) got(data.message);
    else if (data.say) switchboard?.hear(data);
    // A new leader knows nobody yet.
    else if (data.leads) got({ again: true });
  });
  navigator.locks.request(NAME, () => {
    switchboard = new Switchboard((to, message) => (to === page ? got(message) : channel.postMessage({ to, message })));
    channel.postMessage({ leads: true });
    got({ again: true });
    return new Promise(() => {}); // until the page is gone
  });
  return (message) => (switchboard ? switchboard.hear(message) : channel.postMessage(message));
}

function byItself(got) {
  const switchboard = new Switchboard((to, message) => got(message));
  return (message) => switchboard.hear(message);
}
