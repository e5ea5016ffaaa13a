// Marks the widgets of a long page that are far from its window: the browser does not style and lay them out until they
// come nearer, see cards.css. They are marked once they have been laid out, since the browser remembers their heights
// from then on: nothing moves when somebody scrolls to them.

// Pages of fewer widgets stay as they are.
const MANY = 20;
// Milliseconds after the page, or its width, has changed.
const PAUSE = 1000;
let observer = null, timer = 0, width = 0;

function mark(entries) {
  // What is not shown has no height to remember.
  for (const { target, isIntersecting, boundingClientRect: box } of entries) {
    target.classList.toggle("distant", !isIntersecting && box.height > 0);
  }
}

function begin() {
  width = window.innerWidth;
  observer?.disconnect();
  observer = new IntersectionObserver(mark, { rootMargin: "100%" });
  // What is still loading will have another height.
  for (const frame of document.querySelectorAll("#columns .widget:not(:has([data-load]))")) observer.observe(frame);
}

// Heights at another width are other ones, so that all widgets are laid out again.
function onResize() {
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  observer?.disconnect();
  for (const frame of document.querySelectorAll(".distant")) frame.classList.remove("distant");
  later();
}

function later() {
  window.clearTimeout(timer);
  timer = window.setTimeout(begin, PAUSE);
}

export function startDistant() {
  if (document.querySelectorAll("#columns .widget").length <= MANY) return;
  document.fonts.ready.then(later);
  window.addEventListener("resize", onResize);
}
