// "3 here now" in the banner of a team, with up to three avatars. Style sheets hide it while updates are not live.
import { textOf } from "./texts.js";

// The event's `count`, and `people` with name and avatar. Nobody needs to be told that they are here themselves.
export function showPresence({ hub, count, people }) {
  const place = document.querySelector("[data-here]");
  if (!place || hub !== Number(document.body.dataset.hub)) return;
  const alone = count === 1 && people[0]?.username === place.dataset.here;
  const shown = alone ? 0 : count;
  const text = shown ? textOf("hereNow").replace("{count}", shown.toLocaleString(document.documentElement.lang)) : "";
  place.querySelector("[data-here-text]").textContent = text;
  place.querySelector("[data-here-faces]").innerHTML = shown ? people.map(({ face }) => face).join("") : "";
  place.title = shown ? people.map(({ name }) => name).join(", ") : "";
}

export function hidePresence() {
  document.querySelector("[data-here]")?.remove();
}
