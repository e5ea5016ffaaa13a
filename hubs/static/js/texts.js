// Texts in the language of the page, from templates/base.html.
const texts = JSON.parse(document.documentElement.dataset.texts || "{}");

export function textOf(name) {
  return texts[name] ?? "";
}
