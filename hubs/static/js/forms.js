// Enhances forms: a preview that follows the input, and lists that are filtered while typing.
import { showTimes } from "./ages.js";

// Milliseconds after the last key until the preview is requested, and until a pending one is requested again.
const PAUSE = 400, AGAIN = 2000;

function startPreview(form) {
  const button = form.querySelector('button[name="preview"]');
  let timer = 0, asked = 0;
  button.hidden = true;
  form.addEventListener("input", () => later(PAUSE));
  if (document.querySelector("[data-preview-later]")) later(AGAIN);
  // Somebody may have typed before this script was there.
  if (isChanged(form)) later(0);
  function later(pause) {
    window.clearTimeout(timer);
    timer = window.setTimeout(refresh, pause);
  }
  async function refresh() {
    const number = ++asked;
    const preview = document.getElementById("preview");
    preview.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(window.location.href, { method: "POST", body: new FormData(form, button) });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("preview");
      if (fresh && number === asked) {
        preview.replaceChildren(...document.importNode(fresh, true).childNodes);
        showTimes(preview);
        if (preview.querySelector("[data-preview-later]")) later(AGAIN);
      }
    } catch {
      // Keep the previous preview; it is only a convenience.
    }
    preview.removeAttribute("aria-busy");
  }
}

function isChanged(form) {
  return [...form.elements].some((field) => "defaultValue" in field && field.value !== field.defaultValue);
}

export function startFilter(input) {
  const list = document.querySelector(input.dataset.filter);
  const none = document.querySelector("[data-filter-none]");
  input.addEventListener("input", filter);
  if (input.value !== input.defaultValue) filter(); // typed before this script was there
  function filter() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of list.querySelectorAll("[data-text]")) {
      item.hidden = !words.every((word) => item.dataset.text.includes(word));
      if (!item.hidden) shown += 1;
    }
    for (const group of list.querySelectorAll("section")) group.hidden = !group.querySelector("[data-text]:not([hidden])");
    none.hidden = shown > 0;
  }
}

// Without JavaScript, or where the page may not use the clipboard, the text is selected by hand.
function startCopy(button) {
  if (!navigator.clipboard) return;
  const label = button.querySelector("[aria-live]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    label.textContent = button.dataset.copied;
  });
}

function startCheckAll(label) {
  const all = label.querySelector("input");
  const boxes = label.closest("form").querySelectorAll("input[type=checkbox][name]");
  label.hidden = boxes.length < 2;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
  });
}

export function startForms() {
  // The first thing to correct, on a page that answers a form.
  document.querySelector("[data-problem] a, [aria-invalid=true]")?.focus();
  for (const label of document.querySelectorAll("[data-check-all]")) startCheckAll(label);
  for (const button of document.querySelectorAll("button[data-copy]")) startCopy(button);
  for (const form of document.querySelectorAll("form[data-previewed]")) startPreview(form);
  for (const input of document.querySelectorAll("input[data-filter]")) startFilter(input);
}
