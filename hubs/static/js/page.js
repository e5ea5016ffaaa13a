// The theme button, collapsing widgets, menus that close, and the current page in navigations.
import { textOf } from "./texts.js";

export function remember(key, value) {
  try {
    if (value === null) window.localStorage.removeItem(key);
    else window.localStorage.setItem(key, value);
  } catch {
    // Pages work in browsers without storage.
  }
}

export function recall(key) {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null;
  }
}

function toggleTheme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  remember("hubs.theme", root.dataset.theme);
}

export function prepareFrame(frame) {
  const item = frame.querySelector("[data-collapse-item]");
  if (!item || !item.hidden) return;
  item.hidden = false;
  if (recall(`hubs.collapsed.${frame.dataset.widget}`)) collapse(frame, true);
}

function collapse(frame, shut) {
  frame.classList.toggle("widget-collapsed", shut);
  const button = frame.querySelector("[data-collapse]");
  button.setAttribute("aria-expanded", String(!shut));
  button.querySelector("[data-collapse-text]").textContent = textOf(shut ? "expand" : "collapse");
  remember(`hubs.collapsed.${frame.dataset.widget}`, shut ? "1" : null);
}

function onClick(event) {
  const button = event.target.closest("button");
  if (button?.matches("[data-theme-toggle]")) toggleTheme();
  if (button?.matches("[data-collapse]")) {
    const frame = button.closest(".widget");
    collapse(frame, !frame.classList.contains("widget-collapsed"));
    button.closest("details").open = false;
  }
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
}

function onKey(event) {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
}

// On a narrow page a navigation is one line that scrolls: the current page belongs in sight.
function showCurrent(nav) {
  const here = nav.querySelector("[aria-current]")?.getBoundingClientRect();
  const line = nav.getBoundingClientRect();
  if (here) nav.scrollBy({ left: here.left + here.width / 2 - line.left - line.width / 2, behavior: "instant" });
}

export function startPage() {
  // Once everything has been prepared: measuring before would lay out the page twice.
  requestAnimationFrame(() => document.querySelectorAll("[data-side-nav], .tabs nav").forEach(showCurrent));
  for (const button of document.querySelectorAll("[data-theme-toggle]")) delete button.dataset.waiting;
  for (const frame of document.querySelectorAll(".widget")) prepareFrame(frame);
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
}
