// The live lines of the front page: new ones are fetched, and appear one every four seconds at the top. They stop while
// the pointer or the focus is in the list, while the page is hidden, and after Pause; with reduced motion from the start.

import { showTimes } from "./ages.js";

const STEP = 4000, SLIDE = 240;

export function startTicker(box) {
  const list = box.querySelector(".ticker-lines");
  if (!list) return;
  const button = box.querySelector("[data-ticker-pause]");
  const waiting = [];
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let paused = still.matches;
  let held = false;

  const label = () => {
    button.textContent = paused ? button.dataset.resume : button.dataset.pause;
    button.setAttribute("aria-pressed", String(paused));
  };
  button.addEventListener("click", () => { paused = !paused; label(); });
  delete button.dataset.waiting;
  label();

  const isHeld = () => list.matches(":hover") || list.contains(document.activeElement);
  for (const name of ["pointerenter", "pointerleave", "focusin", "focusout"]) {
    list.addEventListener(name, () => { held = isHeld(); });
  }
  const stopped = () => paused || held || document.hidden;

  const newest = () => Math.max(...[...list.children, ...waiting].map((line) => Number(line.dataset.line)));

  async function fetchLines() {
    if (stopped()) return;
    try {
      const response = await fetch(`${box.dataset.ticker}?after=${newest()}`);
      if (!response.ok) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const known = newest();
      waiting.push(...[...page.querySelectorAll("[data-line]")].filter((line) => Number(line.dataset.line) > known));
    } catch {
      // The next attempt follows in some seconds.
    }
  }

  function step() {
    if (stopped() || !waiting.length) return;
    const line = document.adoptNode(waiting.shift());
    line.classList.add("is-new");
    list.querySelector(".is-new")?.classList.remove("is-new");
    list.prepend(line);
    list.lastElementChild.remove();
    showTimes(line);
    slide();
  }

  // The lines slide from where they were. A browser counts lines that jump as a shift of the layout.
  function slide() {
    if (still.matches) return;
    const from = `translateY(${-list.firstElementChild.getBoundingClientRect().height}px)`;
    const options = { duration: SLIDE, easing: "cubic-bezier(0.2, 0, 0, 1)" };
    for (const line of list.children) line.animate({ transform: [from, "none"] }, options);
  }

  setInterval(fetchLines, 1000 * Number(box.dataset.every));
  setInterval(step, STEP);
}
