// Texts for people in the language of the page, which brings them along (templates/base.html).
const texts = JSON.parse(document.documentElement.dataset.texts || "{}");

export function textOf(name) {
  return texts[name] ?? "";
}
