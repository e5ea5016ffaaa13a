// Tracks what the user is pressing, dragging or moving by keyboard, so that updates can wait until they are done.
// Milliseconds that may pass from the end of a touch to its click.
const CLICK = 100;
const held = new Set();
let told = [];
let lifting = 0;

export function hold(what) {
  held.add(what);
}

export function letGo(what) {
  held.delete(what);
  if (held.size) return;
  for (const tell of told.splice(0)) tell();
}

// Resolves when nothing is held any more.
export async function empty() {
  while (held.size) await new Promise((tell) => told.push(tell));
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

// A press holds from its first moment on: a drag comes later, for a finger much later. A click still needs what was
// pressed. Where the browser itself drags, it ends the press by "pointercancel", and the drag is a hold of its own.
export function watchPointer() {
  document.addEventListener("pointerdown", onPress, true);
  document.addEventListener("pointerup", () => lift(CLICK), true);
  document.addEventListener("pointercancel", () => lift(0), true);
  document.addEventListener("click", () => lift(0), true);
}
