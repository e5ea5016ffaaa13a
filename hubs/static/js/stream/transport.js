// Connects a page to the multiplexer: in a SharedWorker, else in the page that holds a lock, else in this page.
import { Multiplexer } from "./multiplexer.js";

// Timeout for the answer of a multiplexer in another page, in milliseconds.
const PATIENCE = 5000;
const NAME = "hubs.stream";
// The multiplexer pings pages every 30 seconds; one that has been silent for this long is gone.
const ASK = 30000;
const GONE = 5;

export class Transport {
  // `hear` gets the multiplexer's messages; `lost` is called after a switch to another transport: the page joins again.
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
  let multiplexer = null;
  channel.addEventListener("message", ({ data }) => {
    if (data.to === page) got(data.message);
    else if (data.say) multiplexer?.hear(data);
    // A new leader has no pages yet.
    else if (data.leads) got({ again: true });
  });
  navigator.locks.request(NAME, () => {
    multiplexer = new Multiplexer((to, message) => (to === page ? got(message) : channel.postMessage({ to, message })));
    channel.postMessage({ leads: true });
    got({ again: true });
    return new Promise(() => {}); // until the page is gone
  });
  return (message) => (multiplexer ? multiplexer.hear(message) : channel.postMessage(message));
}

function byItself(got) {
  const multiplexer = new Multiplexer((to, message) => got(message));
  return (message) => multiplexer.hear(message);
}
