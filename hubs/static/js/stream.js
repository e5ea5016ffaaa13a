// The page's side of the event stream: starts at the cursor in the page, and catches up after interruptions.
import { layoutChanged } from "./layout.js";
import { load } from "./load.js";
import { hidePresence, showPresence } from "./presence.js";
import { Transport } from "./stream/transport.js";
import { Backoff } from "./stream/backoff.js";
import { Freshness } from "./stream/freshness.js";
import { announce, frameOf, show } from "./widgets.js";

// A hidden page leaves its stream after this time, and catches up with one request when it is shown.
const HIDDEN = 60000;
// Timeout of a request.
const PATIENCE = 20000;
// Minimum time between reloads of a page that its viewer may no longer see.
const RELOAD = 60000;

const backoff = new Backoff();
const freshness = new Freshness();
let page, transport, cursor, token, channels, timer = 0, hiddenTimer = 0, away = false, renewing = false;

const tell = (state) => freshness.link(state);

function join() {
  const url = new URL(page.stream, window.location.href).href;
  transport.say("join", { url, token, cursor, channels });
}

function hear({ event, state, refused, again, beatAge }) {
  if (away) return;
  // An age, not a time: the clock of the worker may differ from the page's.
  if (beatAge !== undefined) freshness.heartbeat(Date.now() - beatAge);
  if (again) join();
  else if (state) {
    if (state === "live") backoff.failures = 0;
    tell(state);
  }
  else if (refused) later();
  else if (event) {
    if (event.id) cursor = event.id;
    HANDLERS[event.type]?.(JSON.parse(event.data));
    if (["widget", "changed", "notice"].includes(event.type)) document.dispatchEvent(new Event("hubs:heard"));
  }
}

function later() {
  window.clearTimeout(timer);
  tell(backoff.failures > 3 || navigator.onLine === false ? "offline" : "waiting");
  timer = window.setTimeout(() => {
    backoff.tried();
    // The response to a pending request may be older than the reason for this one.
    if (renewing) later();
    else renew();
  }, backoff.wait());
  backoff.failures += 1;
}

// Requests a new token and cursor with the current versions, then each widget that is out of date.
async function renew() {
  if (renewing) return;
  renewing = true;
  window.clearTimeout(timer);
  try {
    const options = { headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) };
    const answer = await fetch(page.renew, options);
    if (answer.status === 403 || answer.status === 404) return gone();
    const fresh = await answer.json();
    const whole = await catchUp(fresh);
    ({ token, cursor } = fresh);
    if (fresh.channels) channels = fresh.channels.split(" ");
    if (fresh.presence === false) hidePresence();
    away = document.hidden && away;
    if (away) return;
    join();
    if (!whole) later();
  } catch {
    later();
  } finally {
    renewing = false;
  }
}

// The viewer may no longer see the page: reload it, so that the server says why, unless it just did.
function gone() {
  tell("offline");
  const last = Number(window.sessionStorage.getItem("hubs.reloaded"));
  if (Date.now() - last < RELOAD) return later();
  window.sessionStorage.setItem("hubs.reloaded", String(Date.now()));
  window.location.reload();
}

// Returns whether everything out of date could be loaded.
async function catchUp(fresh) {
  document.dispatchEvent(new Event("hubs:caught-up"));
  document.dispatchEvent(new Event("hubs:heard"));
  const arranged = Number(page.hubVersion) === fresh.version || (await layoutChanged(page, fresh.version, gone));
  const outdated = Object.entries(fresh.widgets).filter(([id, digest]) => {
    const frame = frameOf(id);
    return frame && (!digest || frame.dataset.digest !== digest);
  });
  const loaded = await Promise.all(outdated.map(([id]) => load(frameOf(id))));
  return arranged && loaded.every(Boolean);
}

const HANDLERS = {
  widget(fresh) {
    if (show(fresh)) announce(frameOf(fresh.widget));
  },
  // Changed but not rendered in this language, because no viewer of it was known: load it.
  changed(change) {
    const frame = frameOf(change.widget);
    if (frame && Number(frame.dataset.version) <= change.version) load(frame).then((loaded) => loaded || later());
  },
  layout(change) {
    if (change.version > Number(page.hubVersion)) layoutChanged(page, change.version, gone).then((done) => done || later());
  },
  notice(detail) {
    document.dispatchEvent(new CustomEvent("hubs:notice", { detail }));
  },
  presence: showPresence,
  reset() {
    later();
  },
};

function leave() {
  away = true;
  window.clearTimeout(timer);
  transport.say("leave");
}

function back() {
  away = false;
  freshness.restart();
  tell("waiting");
  renew();
}

function onVisibility() {
  window.clearTimeout(hiddenTimer);
  if (document.hidden) hiddenTimer = window.setTimeout(leave, HIDDEN);
  else if (away) back();
}

export function startStream(data) {
  page = data;
  ({ token, cursor } = data);
  channels = data.channels.split(" ");
  freshness.start();
  transport = new Transport(hear, () => away || join());
  join();
  document.addEventListener("visibilitychange", onVisibility);
  window.addEventListener("online", back);
  window.addEventListener("offline", () => tell("offline"));
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", (event) => event.persisted && back());
}
