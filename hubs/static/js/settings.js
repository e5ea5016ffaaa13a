// Settings forms: counts the changes, warns before they are lost, previews the banner, and marks the section in view.

function isChanged(field) {
  if (!field.name || field.type === "hidden") return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked && !field.defaultChecked || field.type === "checkbox" && !field.checked && field.defaultChecked;
  if (field.tagName === "SELECT") {
    const initial = [...field.options].find((option) => option.defaultSelected) || field.options[0];
    return field.value !== initial?.value;
  }
  return field.type === "file" ? field.files.length > 0 : "defaultValue" in field && field.value !== field.defaultValue;
}

function changes(form) {
  return [...form.elements].filter(isChanged).length;
}

// Return the text for a number, out of the plural forms that the page's language has.
export function numbered(forms, count) {
  const category = new Intl.PluralRules(document.documentElement.lang || undefined).select(count);
  return (forms[category] || forms.other).replace("{num}", String(count));
}

function startCount(form) {
  const line = form.querySelector("[data-changes]");
  let leaving = false;
  const tell = () => {
    const count = changes(form);
    const text = count === 0 ? line.dataset.none : numbered(JSON.parse(line.dataset.some), count);
    // A status is announced only when it differs.
    if (line.textContent !== text) line.textContent = text;
    line.classList.toggle("is-changed", count > 0);
  };
  for (const kind of ["input", "change"]) form.addEventListener(kind, tell);
  form.addEventListener("submit", () => (leaving = true));
  form.querySelector("[data-discard]").addEventListener("click", () => (leaving = true));
  window.addEventListener("beforeunload", (event) => !leaving && changes(form) > 0 && event.preventDefault());
  tell(); // something may have been typed before this script was there
}

function showIcon(emblem, chosen) {
  emblem?.replaceChildren(...[...chosen.childNodes].map((node) => node.cloneNode(true)));
}

function startBanner(form) {
  const preview = form.querySelector("[data-banner-preview]");
  if (!preview) return;
  const banner = preview.querySelector(".banner");
  const follow = ({ target }) => {
    if (target.name === "banner") banner.dataset.hue = target.closest("[data-hue]").dataset.hue;
    if (target.name === "pattern") banner.dataset.pattern = target.closest("label").querySelector("[data-pattern]").dataset.pattern;
    if (target.name === "icon") showIcon(banner.querySelector(".emblem"), target.closest("label").querySelector(".swatch-icon"));
    const line = { display_name: "[data-preview-title]", summary: "[data-preview-summary]" }[target.name];
    if (line) preview.querySelector(line).textContent = target.value || target.placeholder;
  };
  form.addEventListener("input", follow);
}

// The page shows several sections: the one at the top of the window is current.
function startSections(nav) {
  const links = [...nav.querySelectorAll('a[href^="#"]')];
  if (links.length < 2) return;
  const sections = links.map((link) => document.getElementById(link.hash.slice(1)));
  let waiting = false;
  const mark = () => {
    waiting = false;
    const atEnd = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 2;
    const passed = sections.filter((section) => section.getBoundingClientRect().top < window.innerHeight / 3).length;
    // The last sections cannot reach the top: the one that was asked for is current, else the very last.
    const asked = links.findIndex((link) => link.hash === window.location.hash);
    const last = asked >= passed - 1 ? asked : links.length - 1;
    const current = atEnd && window.scrollY > 0 ? last : Math.max(0, passed - 1);
    links.forEach((link, index) => {
      if (index === current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    });
  };
  document.addEventListener("scroll", () => {
    if (!waiting) requestAnimationFrame(mark);
    waiting = true;
  }, { passive: true });
  mark();
}

export function startSettings() {
  for (const form of document.querySelectorAll("form[data-settings]")) {
    startCount(form);
    startBanner(form);
  }
  for (const nav of document.querySelectorAll("[data-side-nav]")) startSections(nav);
}
