// Loads the widgets that were not in the page: several with one request, which takes fewer bytes than one for each.
import { textOf } from "./texts.js";
import { show } from "./widgets.js";

const PATIENCE = 20000;
// Retries for a widget that is still being built: after one second, then after growing, random pauses.
const RETURNS = 10;
// Milliseconds until a refreshing widget is checked again, random so that pages do not ask at the same time.
const lookAgain = () => 8000 + Math.random() * 6000;

// Requests for several widgets, after random pauses of up to these milliseconds; then each is requested by itself.
const TURNS = 5, PAUSE = 1000;
// The language is part of the URL, so that a proxy without sessions can answer.
const language = () => document.documentElement.lang.replace("-", "_");

// Returns whether the content was loaded or is still being built, in which case it is requested again.
export async function load(frame, returns = 0) {
  const body = frame.querySelector(".widget-body");
  const path = `/w/${frame.dataset.widget}/fragment?lang=${language()}`;
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

// Several widgets at once, those first that are built first.
async function loadTogether(address, frames) {
  const missing = () => frames.filter((frame) => frame.isConnected && frame.querySelector(".widget-body[data-load]"));
  for (let turn = 0; turn < TURNS && missing().length > 1; turn += 1) {
    if (turn) await new Promise((resolve) => setTimeout(resolve, (PAUSE * (1 + Math.random())) / 2));
    const query = new URLSearchParams([["lang", language()], ...missing().map((frame) => ["widget", frame.dataset.widget])]);
    const fresh = await request(`${address}?${query}`);
    if (!fresh) break;
    for (const widget of fresh) {
      show(widget);
      // A task of its own for each: the page stays responsive.
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  for (const frame of missing()) load(frame);
}

async function request(address) {
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE), headers: { Accept: "application/json" } });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

export function loadAll(root) {
  const missing = [...root.querySelectorAll(".widget-body[data-load]")].map((body) => body.closest(".widget"));
  const address = document.getElementById("columns")?.dataset.fragments;
  if (address && missing.length > 1) loadTogether(address, missing);
  else for (const frame of missing) load(frame);
  // A refresh is pushed only if the content changed, so check later whether it turned out to be the same.
  for (const frame of root.querySelectorAll('.widget[data-state="refreshing"]')) {
    setTimeout(() => frame.isConnected && frame.dataset.state === "refreshing" && load(frame), lookAgain());
  }
}
