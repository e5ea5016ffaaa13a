// The displayed age of the page. "Live" means that a heartbeat of the daemon arrived within the last seconds through
// Redis and the event server: everything received before it has been delivered.
import { textOf } from "../texts.js";

// Milliseconds without a heartbeat until the page is no longer live, and until it shows since when.
const LATE = 10000;
const DELAYED = 20000;

export class Freshness {
  constructor() {
    this.state = "waiting";
    this.beatAt = Date.now();
    this.restart();
  }

  start() {
    window.setInterval(() => this.show(), 1000);
  }

  // A page that is shown again gets some time to connect before it reports a delay.
  restart() {
    this.since = Date.now();
  }

  heartbeat(beatAt) {
    this.beatAt = beatAt;
    this.show();
  }

  // The state of the connection: live, waiting or offline.
  link(state) {
    this.state = state;
    this.show();
  }

  show() {
    const place = document.querySelector("[data-live]");
    if (!place) return;
    place.hidden = false;
    const { state, text } = this.seen();
    document.documentElement.dataset.updates = state;
    const line = place.querySelector(".live-text");
    if (place.dataset.live !== state) place.dataset.live = state;
    // Announce each text once to screen readers.
    if (line.textContent !== text) line.textContent = text;
  }

  seen() {
    const now = Date.now();
    const age = now - this.beatAt;
    if (this.state === "live" && age < LATE) return { state: "live", text: textOf("live") };
    if (navigator.onLine !== false && age >= DELAYED && now - this.since >= DELAYED) {
      return { state: this.state === "offline" ? "offline" : "delayed", text: delayedSince(this.beatAt) };
    }
    const state = this.state === "offline" ? "offline" : "waiting";
    return { state, text: textOf(state) };
  }
}

function delayedSince(moment) {
  const time = new Date(moment).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  return textOf("delayed").replace("{time}", time);
}
