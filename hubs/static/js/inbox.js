// The inbox on its page and in the popover of the bell: actions in place, undo, and keys. Without it the forms work.
import { showTimes } from "./ages.js";

const WIDE = "(min-width: 720px)";
// A toast without a button disappears after this time.
const TOAST = 6000;
let loading = null;
// Whether something happened since the list was requested.
let stale = false;
// Requests for the popover.
let turns = 0;

const page = () => document.querySelector("[data-inbox]");

// Replaces the list by the server's: what another window did is then here as well. Open menus stay until they close.
// An answer may be older than what happened while it loaded, so the list is loaded again after that.
function refresh() {
  stale = true;
  if (!page()) return Promise.resolve();
  loading ??= loadAll().finally(() => { loading = null; });
  return loading;
}

async function loadAll() {
  while (stale && !menuIsOpen()) {
    stale = false;
    try {
      await load();
    } catch {
      // Without a connection: the page loads the list again when its stream returns.
      return;
    }
  }
}

const menuIsOpen = () => page().querySelector("details.menu[open]") !== null;

async function load() {
  const answer = await fetch(window.location.pathname + window.location.search, { cache: "no-store", headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-inbox]");
  const focused = document.activeElement?.closest("[data-notice]")?.dataset.notice;
  if (!fresh) return;
  if (menuIsOpen()) {
    stale = true;
    return;
  }
  const place = items(page()).findIndex((item) => item.dataset.notice === focused);
  page().replaceWith(fresh);
  showTimes(page());
  if (focused) focus(items(page()).find((item) => item.dataset.notice === focused) ?? items(page())[place] ?? items(page()).at(-1));
}

function items(root) {
  return [...(root?.querySelectorAll("[data-notice]") ?? [])];
}

function focus(item) {
  item?.focus();
}

async function submit(event) {
  const form = event.target.closest?.("[data-inbox-form]");
  if (!form) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  await send(form, body);
}

async function send(form, body) {
  const csrf = body.get("csrf_token");
  for (const menu of document.querySelectorAll(".ni-acts details[open]")) menu.open = false;
  let answer;
  try {
    answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
  } catch {
    form.submit();
    return;
  }
  const result = await answer.json().catch(() => ({}));
  toast(result.text || result.detail || result.error || "", result.undo && { ...result.undo, csrf_token: csrf, action: form.action });
  await Promise.all([refresh(), popover() && open()]);
}

function toast(text, undo) {
  document.querySelector(".inbox-toast")?.remove();
  if (!text) return;
  const box = document.createElement("div");
  box.className = "inbox-toast";
  box.setAttribute("role", "status");
  box.append(text);
  if (undo) box.append(undoForm(undo));
  else window.setTimeout(() => box.remove(), TOAST);
  document.body.append(box);
}

function undoForm({ action, ...values }) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = action;
  form.dataset.inboxForm = "";
  for (const [name, value] of Object.entries(values)) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  }
  const button = document.createElement("button");
  Object.assign(button, { name: "act", value: "undo", textContent: document.querySelector("[data-bell]").dataset.undo });
  form.append(button);
  return form;
}

const popover = () => document.querySelector(".inbox-pop");

// Of several requests the last one counts: the answers to the others may be older.
async function open() {
  const bell = document.querySelector("[data-bell]");
  const turn = ++turns;
  const answer = await fetch(bell.dataset.bell, { cache: "no-store" });
  if (!answer.ok || turn !== turns) return;
  const box = popover() ?? document.createElement("div");
  box.className = "inbox-pop";
  box.id = "inbox-pop";
  box.tabIndex = -1;
  box.setAttribute("role", "dialog");
  box.setAttribute("aria-label", bell.dataset.label);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  box.replaceChildren(...fresh.body.childNodes);
  if (!box.isConnected) {
    document.querySelector("header.bar").append(box);
    box.focus();
  }
  bell.setAttribute("aria-expanded", "true");
  showTimes(box);
}

// Follows what happens in other windows, unless a menu is open.
async function refreshPopover() {
  const focused = popover()?.contains(document.activeElement) && document.activeElement.closest("[data-notice]")?.dataset.notice;
  if (!popover() || popover().querySelector("details.menu[open]")) return;
  await open();
  if (focused) focus(items(popover()).find((item) => item.dataset.notice === focused) ?? popover());
}

function onHeard() {
  refresh();
  refreshPopover();
}

function close() {
  turns += 1;
  popover()?.remove();
  document.querySelector("[data-bell]")?.setAttribute("aria-expanded", "false");
}

function onClick(event) {
  const bell = event.target.closest?.("[data-bell]");
  if (bell && !page() && window.matchMedia(WIDE).matches && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
    event.preventDefault();
    if (popover()) close();
    else open();
  } else if (popover() && event.target.isConnected && !event.target.closest(".inbox-pop, .inbox-toast")) close();
}

function onKey(event) {
  if (event.key === "Escape" && popover()) {
    close();
    document.querySelector("[data-bell]").focus();
    return;
  }
  const root = popover() ?? page();
  if (!root || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select")) return;
  const rows = items(root);
  const at = rows.indexOf(document.activeElement?.closest("[data-notice]"));
  const move = { j: Math.min(at + 1, rows.length - 1), k: Math.max(at - 1, 0) }[event.key];
  if (move !== undefined) focus(rows[move]);
  else if (event.key === "e" && at >= 0) rows[at].querySelector("[data-act]")?.click();
  else if (event.key === "s" && at >= 0) snooze(rows[at]);
  else return;
  event.preventDefault();
}

function snooze(row) {
  const menu = row.querySelector("details.menu");
  if (!menu) return;
  menu.open = true;
  menu.querySelector("button")?.focus();
}

export function startInbox() {
  document.addEventListener("submit", submit);
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.addEventListener("hubs:notice", ({ detail }) => detail.kind === "inbox" && onHeard());
  document.addEventListener("hubs:caught-up", onHeard);
  document.addEventListener("toggle", ({ target }) => stale && !target.open && refresh(), true);
  window.addEventListener("pageshow", (event) => event.persisted && refresh());
}
