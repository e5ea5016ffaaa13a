// Loads the widgets that were not in the page, each with a request of its own.
import { textOf } from "./texts.js";
import { show } from "./widgets.js";

const PATIENCE = 20000;
// Retries for a widget that is still being built: after one second, then after growing, random pauses.
const RETURNS = 10;
// Milliseconds until a refreshing widget is checked again, random so that pages do not ask at the same time.
const lookAgain = () => 8000 + Math.random() * 6000;

// Returns whether the content was loaded or is still being built, in which case it is requested again.
export async function load(frame, returns = 0) {
  const body = frame.querySelector(".widget-body");
  // The language is part of the URL, so that a proxy without sessions can answer.
  const path = `/w/${frame.dataset.widget}/fragment?lang=${document.documentElement.lang.replace("-", "_")}`;
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE), headers: { Accept: "text/html" } });
    if (answer.status === 202 && returns < RETURNS) {
      const asked = Number(answer.headers.get("Retry-After")) || 1;
      setTimeout(() => frame.isConnected && load(frame, returns + 1), 1000 * (asked + Math.random() * (returns + 1)));
      return true;
    }
    const text = await answer.text();
    const match = /^<!--hubs (.*)-->\n/.exec(text);
    if (!answer.ok || !match) throw new Error(`status ${answer.status}`);
    show({ widget: Number(frame.dataset.widget), ...JSON.parse(match[1]), html: text.slice(match[0].length) });
    return true;
  } catch {
    if (body.dataset.load) offerRetry(frame, body);
    return false;
  }
}

function offerRetry(frame, body) {
  const text = document.createElement("p");
  text.className = "panel-problem";
  text.textContent = `${textOf("notLoaded")} `;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm";
  button.textContent = textOf("again");
  button.addEventListener("click", () => {
    button.disabled = true;
    load(frame);
  });
  text.append(button);
  body.replaceChildren(text);
  frame.removeAttribute("aria-busy");
}

export function loadAll(root) {
  for (const body of root.querySelectorAll(".widget-body[data-load]")) load(body.closest(".widget"));
  // A refresh is pushed only if the content changed, so check later whether it turned out to be the same.
  for (const frame of root.querySelectorAll('.widget[data-state="refreshing"]')) {
    setTimeout(() => frame.isConnected && frame.dataset.state === "refreshing" && load(frame), lookAgain());
  }
}
