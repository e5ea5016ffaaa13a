// Notifications: dots beside hubs and on the bell, and the number of new messages. Nothing on the page moves by itself.
const PAUSE = 2000;
let timer = 0;
// Figures of the inbox that the stream brought.
let heard = 0;

// The figures of the inbox replace those of the page, zero too: what was read in another window is read here.
function onNotice({ detail }) {
  if (detail.kind !== "inbox") return;
  heard += 1;
  show(detail);
}

function show(detail) {
  const unread = new Set(detail.hubs.map(String));
  const any = { all: unread.size > 0, hubs: unread.size > 0, need: detail.count > 0 };
  for (const dot of document.querySelectorAll("[data-dot]")) {
    dot.hidden = !(any[dot.dataset.dot] ?? unread.has(dot.dataset.dot));
  }
  for (const badge of document.querySelectorAll("[data-inbox-count]")) {
    badge.textContent = detail.count > 99 ? "99+" : String(detail.count);
    badge.hidden = detail.count === 0;
  }
}

// Many events cause one request; even the first one is delayed, since several widgets report the same message.
function ask(link) {
  if (timer) return;
  timer = window.setTimeout(async () => {
    timer = 0;
    try {
      const answer = await fetch(link.dataset.new, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.ok) tell(link, (await answer.json()).count);
    } catch {
      // The next event requests it again, as does the page when its stream returns.
    }
  }, PAUSE / 2 + Math.random() * PAUSE);
}

function tell(link, count) {
  if (!count) return;
  link.dataset.count = String(count);
  link.hidden = false;
  link.textContent = count < 99 ? link.dataset.text.replace("{num}", String(count)) : link.dataset.most;
}

// Events may have been missed: a page that was hidden, or whose stream broke, fetches the figures. An answer that the
// stream overtook may be older than what the page shows.
async function catchUp() {
  const bell = document.querySelector("[data-figures]");
  if (!bell) return;
  const before = heard;
  try {
    const answer = await fetch(bell.dataset.figures, { headers: { Accept: "application/json" }, cache: "no-store" });
    const figures = answer.ok && (await answer.json());
    if (figures && heard === before) show(figures);
  } catch {
    // The next event, or the next time the page is shown, corrects them.
  }
}

export function startNotices() {
  document.addEventListener("hubs:caught-up", catchUp);
  document.addEventListener("visibilitychange", () => document.hidden || catchUp());
  window.addEventListener("pageshow", (event) => event.persisted && catchUp());
  document.addEventListener("hubs:notice", onNotice);
  const link = document.querySelector("[data-new]");
  if (!link?.dataset.new) return;
  document.addEventListener("hubs:heard", () => ask(link));
}
