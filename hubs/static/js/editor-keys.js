// Moves widgets by keyboard: Space picks up and drops, arrows move, Escape cancels. Every step is announced.
import * as interaction from "./interaction.js";

let taken = null;
let place = null;

function say(kind, card) {
  const region = document.querySelector("[data-announce]");
  const list = card.closest("[data-list]");
  const cards = [...list.querySelectorAll(".edit-card")];
  const values = {
    widget: card.dataset.title,
    place: cards.indexOf(card) + 1,
    count: cards.length,
    column: list.closest(".column").querySelector("h2").textContent,
  };
  region.textContent = region.dataset[kind].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function take(card) {
  const list = card.closest("[data-list]");
  taken = { card, list, next: card.nextElementSibling };
  interaction.hold("keyboard");
  card.classList.add("edit-taken");
  card.querySelector("[data-handle]").setAttribute("aria-pressed", "true");
  say("taken", card);
}

function letGo() {
  const { card } = taken;
  taken = null;
  interaction.letGo("keyboard");
  card.classList.remove("edit-taken");
  card.querySelector("[data-handle]").removeAttribute("aria-pressed");
  return card;
}

function move(key) {
  const { card } = taken;
  const list = card.closest("[data-list]");
  const zone = list.dataset.list;
  if (key === "ArrowUp" && card.previousElementSibling) card.previousElementSibling.before(card);
  else if (key === "ArrowDown" && card.nextElementSibling) card.nextElementSibling.after(card);
  // Beyond the end of a column are the rows below, and above these is the left column.
  else if (key === "ArrowDown" && zone !== "below") document.querySelector('[data-list="below"]').prepend(card);
  else if (key === "ArrowUp" && zone === "below") document.querySelector('[data-list="left"]').append(card);
  else if (key === "ArrowLeft" || key === "ArrowRight") {
    // Pages from right to left are mirrored: the column called left is on the right there.
    const first = document.documentElement.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    const other = document.querySelector(`[data-list="${key === first ? "left" : "right"}"]`);
    if (other && other !== list) other.append(card);
  }
  card.querySelector("[data-handle]").focus();
  card.scrollIntoView({ block: "nearest" });
  say("moved", card);
}

function drop() {
  const { list, next } = taken;
  const card = letGo();
  say("dropped", card);
  if (card.closest("[data-list]") === list && card.nextElementSibling === next) return;
  const target = card.closest("[data-list]");
  place(card.dataset.key, target.dataset.list, [...target.querySelectorAll(".edit-card")].indexOf(card));
}

function cancel() {
  const { list, next } = taken;
  const card = letGo();
  list.insertBefore(card, next);
  card.querySelector("[data-handle]").focus();
  say("cancelled", card);
}

function onKey(event) {
  const handle = event.target.closest("[data-handle]");
  if (taken && event.key === "Escape") {
    event.preventDefault();
    cancel();
  } else if (handle && (event.key === " " || event.key === "Enter")) {
    event.preventDefault();
    if (taken) drop();
    else take(handle.closest(".edit-card"));
  } else if (taken && event.key.startsWith("Arrow")) {
    event.preventDefault();
    move(event.key);
  } else if (taken && event.key === "Tab") {
    cancel();
  }
}

// Any other action leaves the card where it is; responses wait until nothing is held.
function onOther(event) {
  if (taken && (event.type === "pointerdown" || !event.target.closest("[data-handle]"))) drop();
}

export function startKeyboard(placing) {
  place = placing;
  for (const kind of ["pointerdown", "click"]) document.addEventListener(kind, onOther, true);
  document.addEventListener("keydown", onKey);
}
