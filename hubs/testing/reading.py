"""Accessibility checks of HTML without a browser, and its plain text.

Checks the names of links, buttons, fields and pictures, the order of headings, headings of tables, ids, and the
language. Contrast, focus and the effect of scripts need a browser: `hubs.testing.browser`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

_VOID = {"br", "hr", "img", "input", "wbr", "line", "rect", "circle", "path", "use", "meta", "link"}
_FIELDS = {"input", "select", "textarea"}
_NAMED = {"a", "button", "summary"}
_SILENT = {"script", "style", "svg"}


class _Reader(HTMLParser):
    """Collects text and problems."""

    def __init__(self, *, whole: bool = False) -> None:
        super().__init__()
        self.whole = whole
        self.seen: Counter[str] = Counter()
        self.lang = ""
        self.labels: set[str] = set()
        self.fields: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.problems: list[str] = []
        self.ids: Counter[str] = Counter()
        self.level = 1
        self.named: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check one element."""
        attributes = {name: value or "" for name, value in attrs}
        self.ids.update(filter(None, [attributes.get("id")]))
        self.seen[tag] += 1
        forbidden = () if self.whole else _forbidden(tag, attributes)
        self.problems += [f"<{tag}> {wrong}" for wrong in (*forbidden, *self._confusing(tag, attributes))]
        self._note(tag, attributes)
        if re.fullmatch("h[1-6]", tag):
            self.level = int(tag[1])
        if tag in _NAMED:
            self.named.append((tag, [attributes.get("aria-label", "") or attributes.get("title", "")]))
        if tag not in _VOID:
            self.open.append(tag)

    def _note(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "html":
            self.lang = attributes.get("lang", "")
        if tag == "label":
            self.labels.add(attributes.get("for", ""))
        named = {"aria-label", "aria-labelledby", "title"} & set(attributes) or "label" in self.open
        if tag in _FIELDS and attributes.get("type") not in ("hidden", "submit", "button") and not named:
            self.fields.append((tag, attributes.get("id", "")))

    def _confusing(self, tag: str, attributes: dict[str, str]) -> Iterator[str]:
        if tag == "img" and "alt" not in attributes:
            yield "has no alt"
        if tag == "svg" and not (attributes.get("aria-hidden") == "true" or attributes.get("role") == "img"):
            yield "is neither hidden nor named"
        if re.fullmatch("h[1-6]", tag) and int(tag[1]) > self.level + 1:
            yield f"follows a heading of level {self.level}"
        if tag == "table":
            self.seen["th"] = 0
        if tag == "li" and (not self.open or self.open[-1] not in ("ul", "ol", "menu")):
            yield "is outside a list"

    def handle_endtag(self, tag: str) -> None:
        """Close one element."""
        if tag in _VOID:
            return
        if tag == "table" and not self.seen["th"]:
            self.problems.append("<table> has no headings: use <th>")
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes what is not open")
        if tag in _NAMED and self.named:
            name, texts = self.named.pop()
            if not "".join(texts).strip():
                self.problems.append(f"<{name}> without a name")

    def handle_data(self, data: str) -> None:
        """Collect text that is read aloud."""
        if not _SILENT & set(self.open):
            self.texts.append(data)
            for _, texts in self.named:
                texts.append(data)


def _forbidden(tag: str, attributes: dict[str, str]) -> Iterator[str]:
    """Yield violations of the page's CSP, and of the rule that a fragment is the same for its whole audience."""
    if tag in ("script", "style", "iframe", "object", "form"):
        yield "has no place in a fragment"
    if "style" in attributes or any(name.startswith("on") for name in attributes):
        yield "has a style or a script of its own"
    for name in ("href", "src", "xlink:href"):
        if re.match(r"\s*(javascript|data|vbscript):", attributes.get(name, ""), re.IGNORECASE):
            yield f"leads to {attributes[name]}"


def _read(html: str, *, whole: bool = False) -> _Reader:
    reader = _Reader(whole=whole)
    reader.feed(html)
    reader.close()
    return reader


def text_of(html: str) -> str:
    """Return the text content with single spaces, without scripts and styles."""
    return " ".join(" ".join(_read(html).texts).split())


def problems(html: str) -> list[str]:
    """Return the accessibility problems and policy violations in a widget's HTML."""
    return _problems(_read(html))


def page_problems(html: str) -> list[str]:
    """Return the accessibility problems of a whole page."""
    reader = _read(html, whole=True)
    problems = _problems(reader)
    if not reader.lang:
        problems.append("<html> has no lang")
    if not reader.seen["title"]:
        problems.append("the page has no <title>")
    if reader.seen["h1"] != 1:
        problems.append(f"the page has {reader.seen['h1']} headings <h1> instead of one")
    return problems


def _problems(reader: _Reader) -> list[str]:
    twice = [f"the id {name} is there twice" for name, number in reader.ids.items() if number > 1]
    unnamed = [f"<{tag}> has no label" for tag, name in reader.fields if not name or name not in reader.labels]
    return reader.problems + twice + unnamed + [f"<{tag}> is never closed" for tag in reader.open]
