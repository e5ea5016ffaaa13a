// The order of the bookmarks: drag and drop in the bar and on its page, keyboard on the page. Each move is saved at once.
import Sortable from "../vendor/sortablejs/sortable.esm.js";
import { startKeyboard } from "./editor-keys.js";

let busy = Promise.resolve();

function place(hub, index) {
  busy = busy.then(() => send(hub, index)).catch(() => window.location.reload());
  return busy;
}

async function send(hub, index) {
  const form = document.querySelector("[data-bookmark-place]");
  const body = new FormData(form);
  body.set("hub", hub);
  body.set("index", String(index));
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-bookmarks]");
  const bar = document.querySelector("[data-bookmarks]");
  // Do not move entries under the pointer; the next page shows the new order.
  if (fresh && !bar.contains(document.activeElement)) bar.replaceChildren(...document.importNode(fresh, true).children);
  ends();
}

// The first bookmark cannot move up, the last one cannot move down.
function ends() {
  const cards = [...document.querySelectorAll("#bookmarks .edit-card")];
  cards.forEach((card, index) => {
    card.querySelector('[value="up"]').hidden = index === 0;
    card.querySelector('[value="down"]').hidden = index === cards.length - 1;
  });
}

function sortable(list, draggable, more) {
  Sortable.create(list, {
    draggable,
    animation: 120,
    delay: 150,
    delayOnTouchOnly: true,
    ghostClass: "edit-ghost",
    onEnd: ({ item, oldDraggableIndex, newDraggableIndex }) => {
      if (oldDraggableIndex !== newDraggableIndex) place(item.dataset.bookmark || item.dataset.key, newDraggableIndex);
    },
    ...more,
  });
}

export function startBar() {
  sortable(document.querySelector("[data-bookmarks]"), "[data-bookmark]", {});
}

export function startList() {
  const list = document.getElementById("bookmarks");
  for (const handle of list.querySelectorAll("[data-handle]")) delete handle.dataset.waiting;
  delete document.querySelector("[data-drag-help]").dataset.waiting;
  sortable(list, ".edit-card", { handle: "[data-handle]" });
  startKeyboard((key, side, index) => place(key, index));
}
