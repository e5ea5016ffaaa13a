// The page of a person's stream: older messages, saving and hiding work in place, without moving what is on the screen.
import { showTimes } from "./ages.js";
import { arrangeDays } from "./days.js";
import { recall, remember } from "./page.js";

const SEEN = "hubs.stream.seen";
const TIMEOUT = 20000;

async function loadOlder(list, link) {
  link.setAttribute("aria-disabled", "true");
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(TIMEOUT) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const known = new Set([...list.querySelectorAll(".act")].map((line) => line.dataset.last));
    const last = list.querySelector("ol.acts:last-of-type");
    const lines = [...page.querySelectorAll("[data-stream-list] .act")].filter((line) => !known.has(line.dataset.last));
    const added = lines.map((line) => document.importNode(line, true));
    last.append(...added);
    arrangeDays(list);
    showTimes(list);
    const next = page.querySelector("[data-older]");
    if (next) link.href = next.getAttribute("href");
    else link.parentElement.remove();
    added[0]?.querySelector("a, button, summary")?.focus({ preventScroll: true });
  } catch {
    window.location.assign(link.href);
  }
  link.removeAttribute("aria-disabled");
}

async function mark(list, form, act) {
  const body = new FormData(form);
  body.set("act", act);
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
}

async function onSubmit(list, event) {
  const form = event.target.closest(".stream-acts");
  if (!form || !event.submitter) return;
  event.preventDefault();
  const button = event.submitter;
  const act = button.value;
  try {
    await mark(list, form, act);
  } catch {
    // The server's own page says what is wrong.
    form.insertAdjacentHTML("beforeend", '<input type="hidden" name="act">');
    form.lastElementChild.value = act;
    form.submit();
    return;
  }
  if (act === "hide") showHidden(list, form);
  else toggle(list, button, act);
}

function toggle(list, button, act) {
  const saved = act === "save";
  button.value = saved ? "unsave" : "save";
  const text = saved ? list.dataset.unsaveText : list.dataset.saveText;
  const label = button.querySelector(".visually-hidden");
  label.textContent = label.textContent.replace(button.title, () => text);
  button.title = text;
}

// The line keeps its place and its height, and offers to show the message again.
function showHidden(list, form) {
  const line = form.closest("li");
  const undo = document.createElement("div");
  const button = document.createElement("button");
  undo.className = "act-undo";
  undo.textContent = list.dataset.hiddenText;
  button.type = "button";
  button.className = "btn btn-sm";
  button.textContent = list.dataset.undoText;
  button.addEventListener("click", async () => {
    await mark(list, form, "unhide");
    line.classList.remove("is-hidden");
    line.style.minBlockSize = "";
    undo.remove();
    form.querySelector("button[value=hide]").focus({ preventScroll: true });
  });
  undo.append(button);
  line.style.minBlockSize = `${line.getBoundingClientRect().height}px`;
  line.classList.add("is-hidden");
  line.append(undo);
  button.focus({ preventScroll: true });
}

// A rule above the messages that were there at the last visit.
function showLastVisit(list) {
  const lines = [...list.querySelectorAll(".act")];
  const newest = lines[0]?.dataset.at;
  const seen = JSON.parse(recall(SEEN) || "null");
  if (newest) remember(SEEN, JSON.stringify({ newest, at: new Date().toISOString() }));
  if (!seen || !list.dataset.hereText || newest <= seen.newest) return;
  const line = lines.find((entry) => entry.dataset.at <= seen.newest);
  if (!line) return;
  const rule = document.createElement("li");
  rule.className = "act-here";
  const at = new Date(seen.at);
  const language = document.documentElement.lang || undefined;
  const isToday = at.toDateString() === new Date().toDateString();
  const style = isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  rule.textContent = list.dataset.hereText.replace("{time}", () => new Intl.DateTimeFormat(language, style).format(at));
  line.before(rule);
}

export function startStreamPage(list) {
  if (!new URL(window.location.href).searchParams.has("before")) showLastVisit(list);
  list.addEventListener("submit", (event) => onSubmit(list, event));
  const link = document.querySelector("[data-older]");
  link?.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    if (!link.hasAttribute("aria-disabled")) loadOlder(list, link);
  });
}
