// Replaces a widget's content, keeping focus, selection, open sections and scroll positions.
import { showTimes } from "./ages.js";
import { prepareFrame } from "./page.js";
import { textOf } from "./texts.js";

// The names of the texts that tell a state; others need none.
const STATES = { stale: "stale", failed: "failed", "needs-setup": "needsSetup" };

export function frameOf(id) {
  return document.querySelector(`.widget[data-widget="${CSS.escape(String(id))}"]`);
}

// An older version never replaces a newer one, in whatever order they arrive.
export function isNewer(frame, fresh) {
  const version = Number(frame.dataset.version);
  if (fresh.version !== version) return fresh.version > version;
  return !frame.dataset.built || fresh.built_at >= frame.dataset.built;
}

export function show(fresh) {
  const frame = frameOf(fresh.widget);
  if (!frame || !isNewer(frame, fresh)) return false;
  const changed = frame.dataset.digest !== fresh.digest;
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
  if (changed) {
    swap(frame, fresh.html);
    // What owners were told about the content before is not about this one.
    frame.querySelector(".widget-error")?.remove();
  }
  showTimes(frame);
  prepareFrame(frame);
  return changed;
}

function swap(frame, html) {
  const body = frame.querySelector(".widget-body");
  const kept = holdOn(body);
  const before = anchor(frame);
  const template = document.createElement("template");
  template.innerHTML = html;
  mark(body, template.content);
  body.replaceChildren(template.content);
  body.removeAttribute("data-load");
  frame.hidden = !html.trim();
  frame.removeAttribute("aria-busy");
  frame.removeAttribute("aria-label");
  frame.setAttribute("aria-labelledby", `title-${frame.dataset.widget}`);
  giveBack(body, kept);
  before();
}

// What the reader holds in hand: focus, text selection, what is unfolded, how far lists are scrolled.
function holdOn(body) {
  const open = [...body.querySelectorAll("details[open]")].map((one, index) => keyOf(one, index, "details"));
  const scrolls = [...body.querySelectorAll(".scroll")].map((one) => [one.scrollLeft, one.scrollTop]);
  const active = document.activeElement;
  const focus = active && active !== body && body.contains(active) ? pathOf(body, active) : null;
  const caret = focus && "selectionStart" in active ? [active.selectionStart, active.selectionEnd, active.value] : null;
  return { open, scrolls, focus, caret };
}

function giveBack(body, kept) {
  [...body.querySelectorAll("details")].forEach((one, index) => {
    if (kept.open.includes(keyOf(one, index, "details"))) one.open = true;
  });
  [...body.querySelectorAll(".scroll")].forEach((one, index) => {
    if (kept.scrolls[index]) [one.scrollLeft, one.scrollTop] = kept.scrolls[index];
  });
  const target = kept.focus && find(body, kept.focus);
  if (!target) return;
  target.focus({ preventScroll: true });
  if (kept.caret && "value" in target) {
    target.value = kept.caret[2];
    target.setSelectionRange?.(kept.caret[0], kept.caret[1]);
  }
}

function keyOf(element, index, kind) {
  return element.dataset.key || `${kind}-${index}`;
}

// An element's id, or its place below the nearest element that has a key.
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

// Keeps what the reader looks at where it is, when a widget above it grows or shrinks.
function anchor(frame) {
  const box = frame.getBoundingClientRect();
  if (box.bottom > 0) return () => {};
  return () => {
    window.scrollBy(0, frame.getBoundingClientRect().height - box.height);
  };
}

// New list entries glow for a moment.
function mark(body, fresh) {
  const known = new Set([...body.querySelectorAll("[data-key]")].map((one) => one.dataset.key));
  if (!known.size) return;
  for (const one of fresh.querySelectorAll("li[data-key]")) {
    if (!known.has(one.dataset.key)) one.classList.add("fresh");
  }
}

let announced = 0;
export function announce(frame) {
  const place = document.querySelector("[data-announce]");
  const title = frame?.querySelector(".panel-title")?.textContent;
  // At most once in half a minute: a busy bus must not talk over the reader.
  if (!place || !title || Date.now() - announced < 30000) return;
  announced = Date.now();
  place.textContent = textOf("updated").replace("{widget}", () => title);
}
