// Widgets that were not in the page: each is loaded on its own.
import { show } from "./widgets.js";

const PATIENCE = 20000;

export async function load(frame) {
  const body = frame.querySelector(".widget-body");
  const path = body.dataset.load || `/w/${frame.dataset.widget}/fragment`;
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE), headers: { Accept: "text/html" } });
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
}
