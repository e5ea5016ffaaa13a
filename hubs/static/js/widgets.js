// Replaces a widget's content, keeping focus, selection, open sections and scroll positions.
import { showTimes } from "./ages.js";
import { showDots } from "./presence.js";
import { prepareFrame } from "./page.js";
import { holdBack, prepareLists } from "./reading.js";
import { settle } from "./retry.js";
import { textOf } from "./texts.js";

// States with a text, and the name of that text.
const STATES = { stale: "stale", failed: "failed", "needs-setup": "needsSetup" };

export function frameOf(id) {
  return document.querySelector(`.widget[data-widget="${CSS.escape(String(id))}"]`);
}

// Never replace a version by an older one; events and responses arrive in any order.
export function isNewer(frame, fresh) {
  const version = Number(frame.dataset.version);
  if (fresh.version !== version) return fresh.version > version;
  return !frame.dataset.built || fresh.built_at >= frame.dataset.built;
}

export function show(fresh) {
  const frame = frameOf(fresh.widget);
  if (!frame || !isNewer(frame, fresh)) return false;
  const changed = frame.dataset.digest !== fresh.digest;
  if (changed && holdBack(frame, fresh, show)) return false;
  // First, since it reads the layout, which every change makes the browser compute again.
  if (changed) swap(frame, fresh.html);
  Object.assign(frame.dataset, {
    version: fresh.version,
    built: fresh.built_at,
    digest: fresh.digest,
    state: fresh.state,
  });
  const age = frame.querySelector("[data-age]");
  if (age) {
    age.dateTime = fresh.built_at;
    age.title = "";
  }
  const state = frame.querySelector("[data-state-text]");
  if (state) state.textContent = STATES[fresh.state] ? textOf(STATES[fresh.state]) : "";
  // The previous error message for owners does not apply to this content.
  if (changed) frame.querySelector(".widget-error")?.remove();
  settle(frame);
  showTimes(frame);
  showDots(frame);
  prepareFrame(frame);
  return changed;
}

function swap(frame, html) {
  const body = frame.querySelector(".widget-body");
  const state = captureState(body);
  const before = anchor(frame);
  const template = document.createElement("template");
  template.innerHTML = html;
  prepareLists(template.content);
  mark(body, template.content);
  body.replaceChildren(template.content);
  body.removeAttribute("data-load");
  frame.hidden = !html.trim();
  frame.removeAttribute("aria-busy");
  frame.removeAttribute("aria-label");
  const number = document.getElementById(`number-${frame.dataset.widget}`);
  frame.setAttribute("aria-labelledby", [`title-${frame.dataset.widget}`, number?.id].filter(Boolean).join(" "));
  restoreState(body, state);
  before();
}

// Lists that were scrolled. Of others that are far from the window the position is not read: for that alone the browser
// would have to lay them out.
const scrolled = new WeakSet();
document.addEventListener("scroll", ({ target }) => scrolled.add(target), { capture: true, passive: true });
const mayBeScrolled = (element) => scrolled.has(element) || element.checkVisibility({ contentVisibilityAuto: true });

// Returns the state to restore: focus, text selection, open sections, and scroll positions of lists.
function captureState(body) {
  const open = [...body.querySelectorAll("details[open]")].map((element, index) => keyOf(element, index, "details"));
  const scrolls = [...body.querySelectorAll(".scroll, .feed-pane")].map(
    (element) => (mayBeScrolled(element) ? [element.scrollLeft, element.scrollTop] : []),
  );
  const active = document.activeElement;
  const focus = active && active !== body && body.contains(active) ? pathOf(body, active) : null;
  const caret = focus && "selectionStart" in active ? [active.selectionStart, active.selectionEnd, active.value] : null;
  return { open, scrolls, focus, caret };
}

function restoreState(body, state) {
  [...body.querySelectorAll("details")].forEach((element, index) => {
    if (state.open.includes(keyOf(element, index, "details"))) element.open = true;
  });
  [...body.querySelectorAll(".scroll, .feed-pane")].forEach((element, index) => {
    if (!state.scrolls[index]?.some(Boolean)) return;
    [element.scrollLeft, element.scrollTop] = state.scrolls[index];
    // Its event follows with the next frame, which may be later than the next update.
    scrolled.add(element);
  });
  const target = state.focus && find(body, state.focus);
  if (!target) return;
  target.focus({ preventScroll: true });
  if (state.caret && "value" in target) {
    target.value = state.caret[2];
    target.setSelectionRange?.(state.caret[0], state.caret[1]);
  }
}

function keyOf(element, index, kind) {
  return element.dataset.key || `${kind}-${index}`;
}

// Returns an element's id, or its path from the nearest ancestor with a key.
function pathOf(body, element) {
  if (element.id) return { id: element.id };
  const keyed = element.closest("[data-key]");
  const root = keyed && body.contains(keyed) ? keyed : body;
  const index = [...root.querySelectorAll(element.tagName)].indexOf(element);
  return { key: root === body ? null : root.dataset.key, tag: element.tagName, index };
}

function find(body, path) {
  if (path.id) return body.querySelector(`#${CSS.escape(path.id)}`);
  const root = path.key === null ? body : body.querySelector(`[data-key="${CSS.escape(path.key)}"]`);
  return root && (root.matches(path.tag) && path.index < 0 ? root : root.querySelectorAll(path.tag)[path.index]);
}

// Keeps the visible part of the page in place when a widget above it changes its height.
function anchor(frame) {
  const box = frame.getBoundingClientRect();
  if (box.bottom > 0) return () => {};
  return () => {
    window.scrollBy(0, frame.getBoundingClientRect().height - box.height);
  };
}

// Highlights new list entries for some seconds.
function mark(body, fresh) {
  const known = new Set([...body.querySelectorAll("[data-key]")].map((element) => element.dataset.key));
  if (!known.size) return;
  for (const element of fresh.querySelectorAll("li[data-key]")) {
    if (!known.has(element.dataset.key)) element.classList.add("fresh");
  }
}

let announced = 0;
export function announce(frame) {
  const place = document.querySelector("[data-announce]");
  const title = frame?.querySelector(".panel-title")?.textContent;
  // At most every 30 seconds: a busy bus must not drown out the screen reader.
  if (!place || !title || Date.now() - announced < 30000) return;
  announced = Date.now();
  place.textContent = textOf("updated").replace("{widget}", () => title);
}
