// Keeps lists still while somebody reads them: updates of a list wait behind a button that says how many lines are new.
import { arrangeDays } from "./days.js";

// Milliseconds after which a list that is no longer read shows what waited.
const LEFT = 1000;
const waiting = new Map();
let watched = false;
// The list whose update is shown now, although the pointer is over its button.
let released = null;

// Returns whether an update must wait, in which case it is kept and shown by ``apply`` later.
export function holdBack(frame, fresh, apply) {
  const pane = frame.querySelector("[data-reading]");
  const isReplacement = pane && Number(frame.dataset.version) === fresh.version;
  if (!isReplacement || !fresh.html.includes("data-reading") || frame === released || !isRead(pane)) {
    waiting.delete(frame);
    pane?.querySelector(":scope > .pill")?.remove();
    return false;
  }
  waiting.set(frame, { fresh, apply });
  showPill(frame, pane, newLines(pane, fresh.html));
  watch();
  return true;
}

// A list is read while it is scrolled, under the pointer, contains the focus or selected text, or is cut by the bar on top.
function isRead(pane) {
  if (pane.scrollTop > 4 || pane.matches(":hover") || pane.contains(document.activeElement)) return true;
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && selection.containsNode(pane, true)) return true;
  const box = pane.getBoundingClientRect();
  const bar = document.querySelector("header")?.offsetHeight || 0;
  return box.top < bar && box.bottom > bar;
}

function messagesOf(root) {
  return [...root.querySelectorAll(".act")].flatMap((line) => {
    const items = [...line.querySelectorAll(".act-more li")];
    return items.length ? items.map((item) => item.dataset.key.slice(1)) : [line.dataset.last];
  });
}

function newLines(pane, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const known = new Set(messagesOf(pane));
  return messagesOf(template.content).filter((id) => !known.has(id)).length;
}

function showPill(frame, pane, number) {
  let pill = pane.querySelector(":scope > .pill");
  if (!pill) {
    pill = document.createElement("button");
    pill.type = "button";
    pill.className = "pill";
    pill.addEventListener("click", () => release(frame, true));
    pane.prepend(pill);
  }
  pill.hidden = !number;
  pill.textContent = pane.dataset.newText.replace("{num}", String(number));
}

function release(frame, toTop) {
  const update = waiting.get(frame);
  if (!update) return;
  waiting.delete(frame);
  frame.querySelector(".pill")?.remove();
  released = frame;
  update.apply(update.fresh);
  released = null;
  const pane = frame.querySelector("[data-reading]");
  if (!pane || !toTop) return;
  pane.scrollTop = 0;
  pane.focus({ preventScroll: true });
  const bar = document.querySelector("header")?.offsetHeight || 0;
  if (pane.getBoundingClientRect().top < bar) pane.closest(".widget").scrollIntoView({ block: "start" });
}

function watch() {
  if (watched) return;
  watched = true;
  let timer = 0;
  const check = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      for (const frame of [...waiting.keys()]) {
        const pane = frame.querySelector("[data-reading]");
        if (!frame.isConnected || !pane) waiting.delete(frame);
        else if (!isRead(pane)) release(frame, false);
      }
    }, LEFT);
  };
  for (const type of ["pointerout", "focusout", "scroll", "selectionchange"]) document.addEventListener(type, check, true);
}

export function prepareLists(root) {
  for (const list of root.querySelectorAll("[data-reading], [data-days]")) arrangeDays(list);
}
