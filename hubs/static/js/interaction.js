// Tracks what the user is pressing, dragging or moving by keyboard, so that updates can wait until they are done.
// Maximum milliseconds from the end of a touch to its click.
const CLICK = 100;
const holds = new Set();
let waiting = [];
let lifting = 0;

export function hold(what) {
  holds.add(what);
}

export function letGo(what) {
  holds.delete(what);
  if (holds.size) return;
  for (const resolve of waiting.splice(0)) resolve();
}

// Resolves when nothing is held any more.
export async function empty() {
  while (holds.size) await new Promise((resolve) => waiting.push(resolve));
}

function onPress(event) {
  if (!event.isPrimary || event.button) return;
  clearTimeout(lifting);
  hold("pointer");
}

function lift(after) {
  clearTimeout(lifting);
  lifting = setTimeout(letGo, after, "pointer");
}

// Hold from the start of a press: dragging starts later, with a finger much later, and a click needs its target unchanged.
// When the browser itself drags, it ends the press by "pointercancel", and the drag is a hold of its own.
export function watchPointer() {
  document.addEventListener("pointerdown", onPress, true);
  document.addEventListener("pointerup", () => lift(CLICK), true);
  document.addEventListener("pointercancel", () => lift(0), true);
  document.addEventListener("click", () => lift(0), true);
}
