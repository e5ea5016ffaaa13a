// The page editor: every step is a form that works without scripts; this sends it without reloading the page.
import Sortable from "../vendor/sortablejs/sortable.esm.js";
import { openCatalogue } from "./catalogue.js";
import { startKeyboard } from "./editor-keys.js";
import { showTimes } from "./ages.js";
import { empty, hold, letGo, watchPointer } from "./interaction.js";

let busy = Promise.resolve();
let waiting = 0;
let problem = null;
let leaving = false;

function editor() {
  return document.getElementById("editor");
}

// Sends a step and shows the server's response; steps are sent one at a time.
function send(form, submitter) {
  const body = new FormData(form, submitter);
  waiting += 1;
  busy = busy.then(() => take(body)).catch(() => fail());
  return busy;
}

async function take(body) {
  const address = window.location.pathname + window.location.search;
  const answer = await fetch(address, { method: "POST", body, headers: { Accept: "text/html" } });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("editor");
  if (!fresh) throw new Error(`status ${answer.status}`);
  // A page that was added or removed leads to the editor of another page.
  if (answer.redirected) window.history.replaceState(null, "", new URL(answer.url).pathname + new URL(answer.url).search);
  await empty();
  // The response to a later step shows the result of both, but not the error of this one.
  problem = fresh.querySelector("[data-problem]") || problem;
  if (--waiting) return;
  if (problem) fresh.querySelector(".page-head").after(problem);
  problem = null;
  // In a document that was only parsed, <noscript> contains elements for browsers without scripts.
  for (const element of fresh.querySelectorAll("noscript")) element.remove();
  const restoreFocus = captureFocus();
  editor().replaceWith(document.importNode(fresh, true));
  prepare();
  restoreFocus();
  document.querySelector("[data-problem]")?.scrollIntoView({ block: "nearest" });
}

function fail() {
  // Reload: the page shows the error, and the server has the draft.
  leaving = true;
  window.location.reload();
}

// Focuses the control that was used, or its replacement.
function captureFocus() {
  const active = document.activeElement;
  const key = active?.closest(".edit-card")?.dataset.key;
  const selector = active?.matches("[data-handle]") ? "[data-handle]" : "summary";
  const act = active?.closest("form")?.elements.act?.value;
  return () => {
    const card = key && document.querySelector(`.edit-card[data-key="${CSS.escape(key)}"]`);
    const again = act && document.querySelector(`.editor-acts input[value="${CSS.escape(act)}"]`)?.form.querySelector("button:not(:disabled)");
    (card?.querySelector(selector) || again || document.getElementById("editor").querySelector("h1"))?.focus({ preventScroll: true });
  };
}

// Names the following widget as well: a pending step may change the indexes.
function place(key, side, index) {
  const form = document.querySelector("[data-place]");
  const cards = document.querySelectorAll(`[data-list="${side}"] .edit-card`);
  form.elements.key.value = key;
  form.elements.side.value = side;
  form.elements.index.value = index;
  form.elements.before.value = cards[index + 1]?.dataset.key || "";
  return send(form);
}

function prepare() {
  const root = editor();
  root.querySelector("h1").tabIndex = -1;
  for (const handle of root.querySelectorAll("[data-handle]")) delete handle.dataset.waiting;
  delete root.querySelector("[data-drag-help]").dataset.waiting;
  for (const list of root.querySelectorAll("[data-list]")) {
    Sortable.create(list, {
      group: "widgets",
      handle: "[data-handle]",
      draggable: ".edit-card",
      animation: 120,
      delay: 150,
      delayOnTouchOnly: true,
      ghostClass: "edit-ghost",
      onChoose: () => hold("drag"),
      onUnchoose: () => letGo("drag"),
      onEnd: (event) => {
        if (event.from === event.to && event.oldDraggableIndex === event.newDraggableIndex) return;
        place(event.item.dataset.key, event.to.dataset.list, event.newDraggableIndex);
      },
    });
  }
  const range = root.querySelector("#left-width");
  range.addEventListener("input", () => {
    root.querySelector("[data-columns]").className = `columns left-${range.value}`;
    range.form.querySelector("output").textContent = `${range.value} / 12`;
  });
  range.addEventListener("change", () => send(range.form));
  showTimes(root);
}

function onSubmit(event) {
  const form = event.target;
  if (!editor().contains(form)) return;
  if (form.hasAttribute("data-leaves")) {
    leaving = true;
    return;
  }
  event.preventDefault();
  send(form, event.submitter);
}

function onKey(event) {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
  if (event.target.matches("input, textarea, select")) return;
  event.preventDefault();
  // A pending step decides whether there is anything to undo.
  busy.then(() => {
    const button = document.querySelector(event.shiftKey ? "button[data-redo]" : "button[data-undo]");
    if (!button.disabled) send(button.form);
  });
}

function onLeave(event) {
  if (!leaving && editor().dataset.dirty === "1") event.preventDefault();
}

export function startEditor() {
  prepare();
  startKeyboard(place);
  watchPointer();
  document.addEventListener("submit", onSubmit);
  document.addEventListener("keydown", onKey);
  window.addEventListener("beforeunload", onLeave);
  // Links inside the editor (settings, the catalogue) return to the draft, so nothing is lost.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("#editor a");
    if (!link) return;
    if (link.matches(".add-button") && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      openCatalogue(link, () => (leaving = true));
    } else leaving = true;
  });
}
