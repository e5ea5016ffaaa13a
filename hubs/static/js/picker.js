// Text fields with suggestions: a combobox over a list box, as the ARIA Authoring Practices describe it. Without
// JavaScript they are plain fields, in which the same value can be typed.
const PAUSE = 150;

function option(item, id) {
  const node = document.createElement("li");
  Object.assign(node, { id, className: "pick-option" });
  node.setAttribute("role", "option");
  Object.assign(node.dataset, { value: item.value, link: item.link || "" });
  // The picture is rendered by the server, since it depends on hues and initials.
  const template = document.createElement("template");
  template.innerHTML = item.picture || "";
  const title = document.createElement("span");
  const detail = document.createElement("small");
  Object.assign(title, { textContent: item.title, dir: "auto", className: "ellipsis" });
  detail.textContent = item.detail;
  node.append(template.content, title, detail);
  return node;
}

class Picker {
  constructor(input) {
    this.input = input;
    this.active = -1;
    this.list = document.createElement("ul");
    Object.assign(this.list, { id: `${input.id}-list`, className: "pick-list", hidden: true });
    this.list.setAttribute("role", "listbox");
    this.name = input.labels[0]?.firstChild.textContent.trim() || input.name;
    this.list.setAttribute("aria-label", this.name);
    const frame = document.createElement("div");
    frame.className = "pick";
    // Somebody may be typing already: a field that moves loses the focus, and the next letters with it.
    const isFocused = document.activeElement === input;
    const { selectionStart: start, selectionEnd: end } = input;
    input.replaceWith(frame);
    frame.append(input, this.list);
    if (isFocused) {
      input.focus({ preventScroll: true });
      if (start !== null) input.setSelectionRange(start, end);
    }
    this.describe();
    input.autocomplete = "off";
    input.addEventListener("input", () => this.later());
    input.addEventListener("keydown", (event) => this.onKey(event));
    input.addEventListener("blur", () => this.close());
    // Before the click takes the focus from the field.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => this.take(event.target.closest("[role=option]")));
  }

  describe() {
    const attributes = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id };
    for (const [name, value] of Object.entries(attributes)) this.input.setAttribute(name, value);
  }

  get address() {
    return this.input.dataset.pick;
  }

  // What suggestions are wanted for.
  get typed() {
    return this.input.value.trim();
  }

  expand(open) {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
  }

  write(chosen) {
    this.input.value = chosen.dataset.value;
  }

  later() {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.ask(), PAUSE);
  }

  async ask() {
    const { typed } = this;
    this.asking?.abort();
    this.asking = new AbortController();
    if (!typed) return this.close();
    try {
      const address = `${this.address}?${new URLSearchParams({ q: typed })}`;
      const answer = await fetch(address, { signal: this.asking.signal, headers: { Accept: "application/json" } });
      if (answer.ok) this.show((await answer.json()).items);
    } catch {
      // Suggestions are a convenience: the value can be typed.
    }
  }

  show(items) {
    if (document.activeElement !== this.input) return;
    this.list.replaceChildren(...items.map((item, index) => option(item, `${this.list.id}-${index}`)));
    this.expand(items.length > 0);
    this.choose(-1);
  }

  choose(index) {
    this.list.children[this.active]?.removeAttribute("aria-selected");
    this.active = index;
    const chosen = this.list.children[index];
    if (!chosen) return this.input.removeAttribute("aria-activedescendant");
    chosen.setAttribute("aria-selected", "true");
    chosen.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", chosen.id);
  }

  take(chosen) {
    if (!chosen) return;
    this.write(chosen);
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
    this.close();
  }

  close() {
    window.clearTimeout(this.timer);
    this.asking?.abort();
    this.expand(false);
    this.choose(-1);
  }

  onKey(event) {
    if (this.list.hidden || event.isComposing || event.keyCode === 229) return;
    const last = this.list.children.length - 1;
    if (event.key === "ArrowDown") this.choose(this.active >= last ? 0 : this.active + 1);
    else if (event.key === "ArrowUp") this.choose(this.active <= 0 ? last : this.active - 1);
    else if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && this.active >= 0) this.take(this.list.children[this.active]);
    else return;
    event.preventDefault();
  }
}

// In a text of several lines: suggests people after an @, and writes a link to the page of whoever is taken.
class Mentions extends Picker {
  // A text box has no role of its own for this, and is not expanded.
  describe() {
    this.input.setAttribute("aria-autocomplete", "list");
    this.input.setAttribute("aria-controls", this.list.id);
    this.list.removeAttribute("aria-label");
  }

  get address() {
    return this.input.dataset.mention;
  }

  get typed() {
    const before = this.input.value.slice(0, this.input.selectionStart);
    return /(?:^|[\s(])@([\p{L}\p{N}._-]{1,40})$/u.exec(before)?.[1] ?? "";
  }

  expand(open) {
    this.list.hidden = !open;
    if (open) this.list.setAttribute("aria-label", this.name);
    else this.list.removeAttribute("aria-label");
  }

  write({ dataset: { value, link } }) {
    const end = this.input.selectionStart;
    this.input.setRangeText(`[@${value}](${link}) `, end - this.typed.length - 1, end, "end");
    // Previews follow the input.
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

// The zone that the browser is set to, if the account has another one.
function offerZone(button) {
  const input = document.getElementById(button.dataset.browserZone);
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const compare = () => (button.hidden = !zone || input.value === zone);
  button.textContent = button.dataset.text.replace("{zone}", zone);
  button.addEventListener("click", () => {
    input.value = zone;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    input.focus();
  });
  input.addEventListener("change", compare);
  input.addEventListener("input", compare);
  compare();
}

export function startPickers() {
  for (const input of document.querySelectorAll("input[data-pick]")) new Picker(input);
  for (const input of document.querySelectorAll("textarea[data-mention]")) new Mentions(input);
  for (const button of document.querySelectorAll("[data-browser-zone]")) offerZone(button);
}
