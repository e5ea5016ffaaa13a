// Widgets that were not in the page: each is loaded on its own.
import { show } from "./widgets.js";

const PATIENCE = 20000;
// Times that we come back for a widget that is still being built: after a second, then at growing, random distances.
const RETURNS = 10;
// Milliseconds after which we look whether a widget that was being refreshed is done: not all readers at once.
const lookAgain = () => 8000 + Math.random() * 6000;

export async function load(frame, returns = 0) {
  const body = frame.querySelector(".widget-body");
  const path = body.dataset.load || `/w/${frame.dataset.widget}/fragment`;
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE), headers: { Accept: "text/html" } });
    if (answer.status === 202 && returns < RETURNS) {
      const asked = Number(answer.headers.get("Retry-After")) || 1;
      setTimeout(() => frame.isConnected && load(frame, returns + 1), 1000 * (asked + Math.random() * (returns + 1)));
      return;
    }
    const built = answer.headers.get("X-Hubs-Built");
    if (!answer.ok || !built) throw new Error(`status ${answer.status}`);
    show({
      widget: Number(frame.dataset.widget),
      version: Number(answer.headers.get("X-Hubs-Version")),
      built_at: built,
      state: answer.headers.get("X-Hubs-State"),
      digest: answer.headers.get("X-Hubs-Digest"),
      html: await answer.text(),
    });
  } catch {
    if (body.dataset.load) offerRetry(frame, body);
  }
}

function offerRetry(frame, body) {
  const text = document.createElement("p");
  text.className = "panel-problem";
  text.textContent = "This widget did not load. The rest of the page is not affected. ";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm btn-outline-primary";
  button.textContent = "Try again";
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
