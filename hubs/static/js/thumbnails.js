// Live thumbnails in the catalogue: what each widget would show on this hub, drawn small over its drawing. They are the
// previews of the settings forms, requested one at a time and only for cards in sight. The drawing stays where there is
// nothing to show: settings are missing, a service fails, or the widget is empty.
import { showTimes } from "./ages.js";

// Milliseconds until a pending preview is requested again, how often that happens, and the timeout of a request.
const AGAIN = 1500, TRIES = 4, PATIENCE = 15000;

// Returns a function that ends the work.
export function startThumbnails(root) {
  const stop = new AbortController();
  const waiting = new Set();
  let busy = false;
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) waiting.add(target);
      else waiting.delete(target);
    }
    work();
  });

  async function work() {
    const [card] = waiting;
    if (busy || !card || stop.signal.aborted) return;
    busy = true;
    waiting.delete(card);
    observer.unobserve(card);
    await draw(card, stop.signal);
    busy = false;
    work();
  }

  if (!navigator.connection?.saveData) for (const card of root.querySelectorAll(".catalogue-card")) observer.observe(card);
  return () => {
    stop.abort();
    observer.disconnect();
  };
}

async function draw(card, signal) {
  const thumb = document.createElement("div");
  thumb.className = "thumb";
  thumb.setAttribute("aria-hidden", "true");
  thumb.inert = true;
  thumb.innerHTML = '<div><div class="skeleton"><span></span><span></span><span></span></div></div>';
  // Beside the link, not in it: the preview has links of its own.
  card.after(thumb);
  const body = await preview(card.href, signal).catch(() => null);
  if (!body) return thumb.remove();
  for (const element of body.querySelectorAll("[id]")) element.removeAttribute("id");
  thumb.firstChild.replaceChildren(body);
  showTimes(thumb);
}

// Returns what the widget shows; null if it has nothing to show.
async function preview(address, signal) {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const answer = await fetch(address, { signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]) });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("preview");
    if (!fresh?.querySelector("[data-preview-later]")) {
      const shows = ["live", "stale"].includes(fresh?.dataset.state) && !fresh.querySelector(".empty");
      return shows ? document.importNode(fresh.querySelector(".widget-body"), true) : null;
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
  return null;
}
