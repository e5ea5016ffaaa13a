// Widgets that were not in the page: each is loaded on its own.
import { textOf } from "./texts.js";
import { show } from "./widgets.js";

const PATIENCE = 20000;
// Times that we come back for a widget that is still being built: after a second, then at growing, random distances.
const RETURNS = 10;
// Milliseconds after which we look whether a widget that was being refreshed is done: not all readers at once.
const lookAgain = () => 8000 + Math.random() * 6000;

// Tells whether the content has come or is still being built; where it is, we come back for it.
export async function load(frame, returns = 0) {
  const body = frame.querySelector(".widget-body");
  // The language is in the address, so that a proxy that knows no reader can answer.
  const path = `/w/${frame.dataset.widget}/fragment?lang=${document.documentElement.lang.replace("-", "_")}`;
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE), headers: { Accept: "text/html" } });
    if (answer.status === 202 && returns < RETURNS) {
      const asked = Number(answer.headers.get("Retry-After")) || 1;
      setTimeout(() => frame.isConnected && load(frame, returns + 1), 1000 * (asked + Math.random() * (returns + 1)));
      return true;
    }
    const text = await answer.text();
    const told = /^<!--hubs (.*)-->\n/.exec(text);
    if (!answer.ok || !told) throw new Error(`status ${answer.status}`);
    show({ widget: Number(frame.dataset.widget), ...JSON.parse(told[1]), html: text.slice(told[0].length) });
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
  button.className = "btn btn-sm btn-outline-primary";
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
  // What is being refreshed is pushed when it changed; when it turns out to be the same, nobody says so.
  for (const frame of root.querySelectorAll('.widget[data-state="refreshing"]')) {
    setTimeout(() => frame.isConnected && frame.dataset.state === "refreshing" && load(frame), lookAgain());
  }
}
