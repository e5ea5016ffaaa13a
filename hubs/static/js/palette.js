// The palette: a combobox over a list box, as the ARIA Authoring Practices describe it. Without JavaScript its button
// is a link to the search page.
import { recall, remember } from "./page.js";

const RECENT = 8;
// Milliseconds after the last key until the search request.
const PAUSE = 120;
let dialog, input, list, status;
let options = [];
// What each option stands for: a page, a form to send, or a control of this page to press.
const chosenItems = new WeakMap();
let active = -1;
let asking = null;
let timer = 0;
// The text whose results are on screen.
let shownFor = null;

const recentKey = () => `hubs.recent.${dialog.dataset.account}`;
const recent = () => (recall(recentKey()) || "").split(",").filter(Boolean);

function visit(path) {
  if (!/^\/[ut]\/[^/,]+\/$/.test(path)) return;
  remember(recentKey(), [path, ...recent().filter((other) => other !== path)].slice(0, RECENT).join(","));
}

function element(name, className, text, attributes = {}) {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function choose(index) {
  options[active]?.setAttribute("aria-selected", "false");
  active = index;
  const option = options[active];
  if (!option) return input.removeAttribute("aria-activedescendant");
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", option.id);
}

// The pictures are rendered by the server, since they depend on hues, initials and the addresses of icons.
function pictureOf(item) {
  const template = document.createElement("template");
  template.innerHTML = item.picture || "";
  return [...template.content.children];
}

// The title of an item, with what was typed marked in it.
function marked(title) {
  const typed = input.value.trim();
  const at = typed ? title.toLowerCase().indexOf(typed.toLowerCase()) : -1;
  if (at < 0) return [title];
  const end = at + typed.length;
  return [title.slice(0, at), element("mark", "", title.slice(at, end)), title.slice(end)];
}

function show(groups) {
  options = [];
  list.replaceChildren();
  groups.forEach((group, number) => {
    const label = `palette-label-${number}`;
    const box = element("div", "", "", { role: "group", "aria-labelledby": label });
    box.append(element("div", "palette-label", group.label, { id: label, role: "presentation" }));
    for (const item of group.items) {
      const id = `palette-option-${options.length}`;
      const option = element("div", "palette-option", "", { id, role: "option", "aria-selected": "false" });
      const name = element("span", "palette-name", "", { dir: "auto" });
      name.append(...marked(item.title));
      option.append(...pictureOf(item), name);
      if (item.detail) option.append(" ", element("small", "", item.detail));
      chosenItems.set(option, item);
      options.push(option);
      box.append(option);
    }
    list.append(box);
  });
  list.hidden = options.length === 0;
  input.setAttribute("aria-expanded", String(options.length > 0));
  choose(options.length ? 0 : -1);
  status.textContent = status.dataset.found.replace("{count}", options.length);
}

async function ask() {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const text = input.value;
  const { theme } = document.documentElement.dataset;
  const query = new URLSearchParams({ q: text, recent: recent().join(","), at: window.location.pathname, theme });
  try {
    const answer = await fetch(`${dialog.dataset.source}?${query}`, { signal, headers: { Accept: "application/json" } });
    if (answer.status === 429) {
      show([]);
      status.textContent = (await answer.json()).error;
      return;
    }
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show((await answer.json()).groups);
    shownFor = text;
  } catch {
    if (signal.aborted) return;
    show([]);
    status.textContent = status.dataset.failed;
  }
}

function go(path, newTab = false) {
  dialog.close();
  if (newTab) window.open(path, "_blank", "noopener");
  else window.location.assign(path);
}

function run(option, newTab = false) {
  const item = chosenItems.get(option);
  if (item.press) {
    dialog.close();
    document.querySelector(item.press)?.click();
  } else if (item.send) {
    const form = dialog.querySelector("[data-command]");
    form.action = item.path;
    for (const [name, value] of Object.entries(item.send)) {
      form.append(element("input", "", "", { type: "hidden", name, value }));
    }
    form.submit();
  } else go(item.path, newTab);
}

function onKey(event) {
  // Safari reports the Enter that ends a composition with this code alone.
  if (event.isComposing || event.keyCode === 229) return;
  const last = options.length - 1;
  if (event.key === "ArrowDown") choose(active >= last ? 0 : active + 1);
  else if (event.key === "ArrowUp") choose(active <= 0 ? last : active - 1);
  else if (event.key === "Enter") {
    // The list on screen may belong to fewer letters than were typed.
    const isCurrent = shownFor === input.value && options[active];
    const newTab = event.ctrlKey || event.metaKey;
    if (isCurrent) run(isCurrent, newTab);
    else go(`${dialog.dataset.page}?${new URLSearchParams({ q: input.value })}`, newTab);
  } else return;
  event.preventDefault();
}

function onInput() {
  window.clearTimeout(timer);
  timer = window.setTimeout(ask, PAUSE);
}

export function openPalette() {
  if (document.querySelector("dialog[open]")) return;
  input.value = "";
  shownFor = null;
  show([]);
  status.textContent = "";
  dialog.showModal();
  input.focus();
  ask();
}

export function startPalette() {
  dialog = document.getElementById("palette");
  input = dialog.querySelector("[role=combobox]");
  list = dialog.querySelector("[role=listbox]");
  status = dialog.querySelector("[role=status]");
  visit(window.location.pathname);
  input.addEventListener("keydown", onKey);
  input.addEventListener("input", onInput);
  dialog.addEventListener("close", () => asking?.abort());
  dialog.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) run(option, event.ctrlKey || event.metaKey);
    else if (event.target === dialog) dialog.close();
  });
  for (const button of document.querySelectorAll("[data-palette-open]")) {
    button.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      openPalette();
    });
  }
}
