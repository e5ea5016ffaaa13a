// Applies a new layout: fetches the columns again; widgets that stay keep their element.
import { showTimes } from "./ages.js";
import { showDots } from "./presence.js";
import { loadAll } from "./load.js";
import { prepareFrame } from "./page.js";
import { frameOf, isNewer } from "./widgets.js";

const PATIENCE = 20000;

// Returns whether the new layout was applied; the caller retries if the web application did not answer.
// Calls `gone` if the page was removed, or hidden from its viewer, while the hub is still there.
export async function layoutChanged(page, version, gone) {
  if (page.alone !== undefined) return true;
  const { status, text } = await fetchPage();
  if (status === 403 || status === 404) {
    gone();
    return true;
  }
  if (status !== 200) return false;
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const target = fresh.getElementById("columns");
  const columns = document.getElementById("columns");
  if (!target || !columns) return true;
  page.hubVersion = String(Math.max(version, Number(target.dataset.version)));
  for (const frame of target.querySelectorAll(".widget")) keepOwn(frame);
  columns.className = target.className;
  showTabs(fresh);
  for (const column of columns.children) {
    const other = [...target.children].find((node) => node.dataset.side === column.dataset.side);
    if (other) arrange(column, [...other.children]);
  }
  for (const frame of columns.querySelectorAll(".widget")) prepareFrame(frame);
  showTimes(columns);
  showDots(columns);
  loadAll(columns);
  return true;
}

// The tabs of further pages come and go with them.
function showTabs(fresh) {
  const [own, other] = [document, fresh].map((root) => root.querySelector(".tabs nav"));
  if (!own || !other || own.innerHTML === other.innerHTML) return;
  const focused = own.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  own.replaceChildren(...[...other.children].map((tab) => document.importNode(tab, true)));
  if (!focused) return;
  // If the focused tab is gone, the current one comes nearest.
  const next = own.querySelector(`a[href="${CSS.escape(focused)}"]`) || own.querySelector("[aria-current]");
  next?.focus({ preventScroll: true });
}

async function fetchPage() {
  try {
    const options = { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) };
    const answer = await fetch(window.location.pathname, options);
    return { status: answer.status, text: await answer.text() };
  } catch {
    return { status: 0, text: "" };
  }
}

// If the page has this version or a newer one, its own frame moves to the new place.
function keepOwn(frame) {
  const own = frameOf(frame.dataset.widget);
  if (!own) return;
  // The width belongs to the place, not to the content that is kept.
  if (frame.dataset.width) own.dataset.width = frame.dataset.width;
  else delete own.dataset.width;
  const fetched = { version: Number(frame.dataset.version), built_at: frame.dataset.built || "" };
  const same = own.dataset.digest && own.dataset.digest === frame.dataset.digest;
  if (same || !isNewer(own, fetched)) frame.replaceWith(document.importNode(placeholder(own), false));
}

function placeholder(own) {
  const stand = document.createElement("div");
  stand.dataset.own = own.dataset.widget;
  return stand;
}

function arrange(column, target) {
  const nodes = target.map((node) => (node.dataset?.own ? frameOf(node.dataset.own) : document.importNode(node, true)));
  const focused = document.activeElement;
  // Move only elements that are out of place: moving one takes the focus from it.
  nodes.forEach((node, index) => {
    if (column.children[index] !== node) column.insertBefore(node, column.children[index] || null);
  });
  while (column.children.length > nodes.length) column.lastElementChild.remove();
  if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}
