// Keyboard shortcuts. Single-key ones can be disabled, since speech input and tremor trigger them by accident; the
// choice is stored in this browser.
import { recall, remember } from "./page.js";
import { openPalette } from "./palette.js";

const SINGLE = "hubs.single-keys";
const single = () => recall(SINGLE) !== "off";
let dialog;

function openShortcuts() {
  for (const open of document.querySelectorAll("dialog[open]")) open.close();
  dialog.querySelector("[data-single-keys]").checked = single();
  dialog.showModal();
}

// A checkbox takes no text, nor does a focused element in a dialog that is closing.
const FIELDS = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const typing = (target) => Boolean(target.closest?.(FIELDS)) && !target.closest("dialog:not([open])");

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || !single() || typing(event.target)) return;
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const act = { "/": openPalette, "?": openShortcuts }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

export function startShortcuts() {
  dialog = document.getElementById("shortcuts");
  const box = dialog.querySelector("[data-single-keys]");
  box.addEventListener("change", () => remember(SINGLE, box.checked ? null : "off"));
  for (const button of document.querySelectorAll("[data-shortcuts-open]")) {
    button.addEventListener("click", openShortcuts);
  }
  document.addEventListener("keydown", onKey);
}
