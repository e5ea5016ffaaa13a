// The page's event stream: from the cursor in the page on, and back after every interruption.
import { layoutChanged } from "./layout.js";
import { load } from "./load.js";
import { announce, frameOf, show } from "./widgets.js";

const TEXTS = { live: "live", waiting: "reconnecting", offline: "offline" };
// A hidden page gives its stream back after this time, and catches up with one request.
const HIDDEN = 60000;

let page, source, cursor, token, attempts = 0, timer = 0, hiddenTimer = 0, failures = 0;

function tell(state) {
  const place = document.querySelector("[data-live]");
  if (!place) return;
  place.hidden = false;
  if (place.dataset.live === state && place.dataset.told) return;
  place.dataset.live = state;
  place.dataset.told = "1";
  place.querySelector(".live-text").textContent = TEXTS[state];
}

function address() {
  const url = new URL(page.stream, window.location.href);
  url.searchParams.set("token", token);
  url.searchParams.set("cursor", cursor);
  return url;
}

function connect() {
  close();
  source = new EventSource(address());
  source.onopen = () => {
    failures = 0;
    tell("live");
  };
  source.onerror = () => {
    tell(navigator.onLine === false || ++failures > 3 ? "offline" : "waiting");
    // The browser tries again by itself, except after an answer that was no stream, such as a refused token.
    if (source.readyState === EventSource.CLOSED) later();
  };
  for (const [kind, act] of Object.entries(HANDLERS)) {
    source.addEventListener(kind, (event) => {
      if (event.lastEventId) cursor = event.lastEventId;
      attempts = 0;
      act(JSON.parse(event.data));
    });
  }
}

function close() {
  source?.close();
  source = null;
}

function later() {
  window.clearTimeout(timer);
  const wait = Math.min(30000, 1000 * 2 ** attempts++) * (0.5 + Math.random() / 2);
  timer = window.setTimeout(renew, wait);
}

// A new token and cursor, and everything on the page that is not as it should be.
async function renew() {
  close();
  try {
    const answer = await fetch(page.renew, { headers: { Accept: "application/json" } });
    if (answer.status === 403 || answer.status === 404) {
      tell("offline");
      window.location.reload();
      return;
    }
    const fresh = await answer.json();
    [token, cursor] = [fresh.token, fresh.cursor];
    await catchUp(fresh);
    connect();
  } catch {
    tell("offline");
    later();
  }
}

async function catchUp(fresh) {
  if (Number(page.hubVersion) !== fresh.version) await layoutChanged(page, fresh.version);
  const outdated = Object.entries(fresh.widgets).filter(([id, digest]) => {
    const frame = frameOf(id);
    return frame && (!digest || frame.dataset.digest !== digest);
  });
  await Promise.all(outdated.map(([id]) => load(frameOf(id))));
}

const HANDLERS = {
  widget(fresh) {
    if (show(fresh)) announce(frameOf(fresh.widget));
  },
  // Changed, and not rendered in this page's language: nobody seemed to watch it.
  changed(change) {
    const frame = frameOf(change.widget);
    if (frame && Number(frame.dataset.version) <= change.version) load(frame);
  },
  layout(change) {
    if (change.version > Number(page.hubVersion)) layoutChanged(page, change.version);
  },
  reset() {
    renew();
  },
};

function onVisibility() {
  window.clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = window.setTimeout(close, HIDDEN);
  } else if (!source) {
    tell("waiting");
    renew();
  }
}

export function startStream(data) {
  page = data;
  ({ token, cursor } = data);
  connect();
  document.addEventListener("visibilitychange", onVisibility);
  window.addEventListener("online", renew);
  window.addEventListener("offline", () => tell("offline"));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => event.persisted && renew());
}
