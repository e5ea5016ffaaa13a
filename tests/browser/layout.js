// Returns a sentence for each thing that is wrong with the layout of the page; `target` is the smallest side in pixels of
// what can be pressed. Everything that can be opened, other than menus, should be open.
(target) => {
  const CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  const HEADINGS = "h1, h2, h3, h4, .panel-title, .skeleton-title, .banner-title, .row-title";
  const CARDS = ".widget, .card, .section, .edit-card, .catalogue-card, .hub-card, .roster";
  // Longer words may be broken where they do not fit a line.
  const LONG_WORD = 20;
  const found = [];
  const report = (what, ...elements) => {
    const names = elements.map((element) => {
      const text = (element.getAttribute("aria-label") || element.textContent).trim().replace(/\s+/g, " ").slice(0, 40);
      return `${element.tagName.toLowerCase()}.${[...element.classList].join(".")} “${text}”`;
    });
    found.push(`${what}: ${names.join(" and ")}`);
  };
  const seen = (element) => element.checkVisibility({ visibilityProperty: true });

  // The part of the page in which an element's content is not cut off.
  const windows = new Map([[document.documentElement, null], [document.body, null]]);
  const windowOf = (element) => {
    if (!element || windows.has(element)) return element ? windows.get(element) : null;
    const outer = windowOf(element.parentElement);
    const style = getComputedStyle(element);
    const cut = [style.overflowX, style.overflowY, style.clipPath === "none" ? "visible" : "hidden"];
    const own = cut.every((value) => value === "visible") ? outer : cross(element.getBoundingClientRect(), outer);
    windows.set(element, own);
    return own;
  };
  const cross = (box, other) => {
    if (!other) return { left: box.left, right: box.right, top: box.top, bottom: box.bottom };
    const [left, right] = [Math.max(box.left, other.left), Math.min(box.right, other.right)];
    const [top, bottom] = [Math.max(box.top, other.top), Math.min(box.bottom, other.bottom)];
    return { left, right: Math.max(left, right), top, bottom: Math.max(top, bottom) };
  };
  const large = (box) => box.right - box.left > 2 && box.bottom - box.top > 2;
  const visibleBoxes = (boxes, within) => [...boxes].map((box) => cross(box, windowOf(within))).filter(large);
  const textBoxes = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return visibleBoxes(range.getClientRects(), element);
  };
  // What is fixed or sticky lies above the page on purpose.
  const layers = new Map();
  const layerOf = (element) => {
    if (!element || element === document.body) return null;
    if (!layers.has(element)) {
      const above = ["fixed", "sticky"].includes(getComputedStyle(element).position);
      layers.set(element, above ? element : layerOf(element.parentElement));
    }
    return layers.get(element);
  };

  // 1. Nothing is wider than the window, or ends outside of its card.
  const outside = document.documentElement.scrollWidth - innerWidth;
  if (outside > 0) {
    const ends = (element) => {
      const [box] = visibleBoxes([element.getBoundingClientRect()], element.parentElement);
      return box && seen(element) ? Math.max(box.right - innerWidth, -box.left) : 0;
    };
    const widest = [...document.querySelectorAll("body *")].sort((a, b) => ends(b) - ends(a))[0];
    report(`${outside} px wider than the window`, widest);
  }
  for (const card of document.querySelectorAll(CARDS)) {
    if (!seen(card)) continue;
    const edge = card.getBoundingClientRect();
    for (const element of card.querySelectorAll("*")) {
      if (!seen(element) || !large(element.getBoundingClientRect())) continue;
      const [box] = visibleBoxes([element.getBoundingClientRect()], element.parentElement);
      if (box && Math.max(box.right - edge.right, edge.left - box.left, box.bottom - edge.bottom - 1) > 1) {
        report("ends outside of its card", element, card);
        break;
      }
    }
  }

  // 2. Controls do not lie on each other, nor on headings.
  const items = [];
  for (const element of document.querySelectorAll(`${CONTROLS}, ${HEADINGS}`)) {
    // What is inert, such as a thumbnail over its card, is a picture.
    if (!seen(element) || element.matches("[inert] *")) continue;
    const control = element.matches(CONTROLS);
    const boxes = control ? visibleBoxes(element.getClientRects(), element.parentElement) : textBoxes(element);
    for (const box of boxes) items.push({ element, control, box, layer: layerOf(element) });
  }
  items.sort((a, b) => a.box.top - b.box.top);
  items.forEach((one, place) => {
    for (const other of items.slice(place + 1)) {
      if (other.box.top > one.box.bottom - 3) break;
      if (!one.control && !other.control) continue;
      if (one.layer !== other.layer || one.element.contains(other.element) || other.element.contains(one.element)) continue;
      const common = cross(one.box, other.box);
      if (common.right - common.left > 2 && common.bottom - common.top > 3) report("lie on each other", one.element, other.element);
    }
  });

  // 3. No heading, button or tab is broken inside a word.
  for (const element of document.querySelectorAll(`${HEADINGS}, button, .btn, .tabs a, .bar a, .bottom a, .label, .count`)) {
    if (!seen(element)) continue;
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode;
      const holder = text.parentElement;
      if (!seen(holder) || holder.closest(".visually-hidden")) continue;
      let block = holder;
      while (getComputedStyle(block).display === "inline") block = block.parentElement;
      for (const word of text.data.matchAll(/[^\s\-–—/]+/g)) {
        const range = document.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        const lines = visibleBoxes(range.getClientRects(), holder);
        if (new Set(lines.map((line) => Math.round(line.top / 4))).size < 2) continue;
        if (/[\u3040-\u9fff\uac00-\ud7ff]/.test(word[0])) continue;
        const length = lines.reduce((sum, line) => sum + line.right - line.left, 0);
        if (word[0].length <= LONG_WORD || length <= block.clientWidth) report(`broken inside “${word[0]}”`, element);
      }
    }
  }

  // 4. Targets are large enough; links inside a sentence are as high as it.
  for (const element of document.querySelectorAll(CONTROLS)) {
    if (!seen(element) || getComputedStyle(element).display === "inline" || element.disabled) continue;
    const label = element.closest("label") || (element.id && document.querySelector(`label[for="${CSS.escape(element.id)}"]`));
    const box = element.getBoundingClientRect();
    if (!visibleBoxes([box], element.parentElement).length || element.matches(".skip, [inert] *")) continue;
    let { width, height } = box;
    if (label && element.matches("[type=checkbox], [type=radio]")) {
      const around = label.getBoundingClientRect();
      [width, height] = [Math.max(width, around.width), Math.max(height, around.height)];
    }
    const after = getComputedStyle(element, "::after");
    if (after.content !== "none" && after.position === "absolute") {
      width = Math.max(width, parseFloat(after.width) || 0);
      height = Math.max(height, parseFloat(after.height) || 0);
    }
    if (Math.min(width, height) < target - 0.5) report(`${Math.round(width)} × ${Math.round(height)} px`, element);
  }

  // 5. A list that takes the room that there is makes its column end on one line with the column beside it.
  for (const row of document.querySelectorAll(".columns, .home-columns")) {
    const columns = [...row.children].filter((column) => seen(column) && !column.matches(".below"));
    const ends = columns.map((column) => Math.max(...[...column.children].filter(seen).map((child) => child.getBoundingClientRect().bottom)));
    const abreast = new Set(columns.map((column) => Math.round(column.getBoundingClientRect().top))).size < columns.length;
    columns.forEach((column, place) => {
      const missing = Math.round(Math.max(...ends) - ends[place]);
      if (abreast && missing > 2 && column.querySelector(".feed-pane, .home-stream")) report(`${missing} px left empty`, column);
    });
  }
  return [...new Set(found)];
}
