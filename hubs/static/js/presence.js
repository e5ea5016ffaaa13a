// "3 here now" in the banner of a team, with up to three avatars, and the dots of people in lists of its page. Style sheets
// hide both while updates are not live.
import { textOf } from "./texts.js";

// Milliseconds since their last activity in which people who are not here have a hollow dot.
const LATELY = 3600000;
// The usernames of the people who are here; null until the page has heard of them.
let present = null;

// The event's `count`, `people` with name and avatar, and `here`, the usernames of all. Nobody needs to be told that they
// are here themselves.
export function showPresence({ hub, count, people, here }) {
  const place = document.querySelector("[data-here]");
  if (!place || hub !== Number(document.body.dataset.hub)) return;
  const alone = count === 1 && people[0]?.username === place.dataset.here;
  const shown = alone ? 0 : count;
  const text = shown ? textOf("hereNow").replace("{count}", shown.toLocaleString(document.documentElement.lang)) : "";
  place.querySelector("[data-here-text]").textContent = text;
  place.querySelector("[data-here-faces]").innerHTML = shown ? people.map(({ face }) => face).join("") : "";
  place.title = shown ? people.map(({ name }) => name).join(", ") : "";
  // Where more people are here than an event names, none has a dot.
  present = here?.length || !count ? new Set(here) : null;
  showDots(document);
}

// Shows the dots of people in lists: filled for those on this page, hollow for those who were active lately.
export function showDots(root) {
  for (const row of root.querySelectorAll("[data-person]")) {
    const dot = row.querySelector(".presence"), last = row.querySelector("time")?.dateTime;
    if (!dot) continue;
    const state = present?.has(row.dataset.person) ? "here" : last && Date.now() - new Date(last) < LATELY ? "away" : "";
    dot.hidden = !present || !state;
    dot.dataset.presence = state;
    if (state) dot.setAttribute("aria-label", textOf(state));
    dot.title = state ? textOf(state) : "";
  }
}

export function hidePresence() {
  document.querySelector("[data-here]")?.remove();
  present = null;
  showDots(document);
}
