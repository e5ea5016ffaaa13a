"""Reading HTML as people and their aids do, without a browser: its plain text, and what would be in their way.

It finds what the text of a page tells: names of links, buttons, fields and pictures, the order of headings, headings
of tables, ids, the language. Contrast, focus and what scripts do can only be seen in a browser: `hubs.testing.browser`.
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
        found = {name: value or "" for name, value in attrs}
        self.ids.update(filter(None, [found.get("id")]))
        self.seen[tag] += 1
        forbidden = () if self.whole else _forbidden(tag, found)
        self.problems += [f"<{tag}> {wrong}" for wrong in (*forbidden, *self._confusing(tag, found))]
        self._note(tag, found)
        if re.fullmatch("h[1-6]", tag):
            self.level = int(tag[1])
        if tag in _NAMED:
            self.named.append((tag, [found.get("aria-label", "") or found.get("title", "")]))
        if tag not in _VOID:
            self.open.append(tag)

    def _note(self, tag: str, found: dict[str, str]) -> None:
        if tag == "html":
            self.lang = found.get("lang", "")
        if tag == "label":
            self.labels.add(found.get("for", ""))
        named = {"aria-label", "aria-labelledby", "title"} & set(found) or "label" in self.open
        if tag in _FIELDS and found.get("type") not in ("hidden", "submit", "button") and not named:
            self.fields.append((tag, found.get("id", "")))

    def _confusing(self, tag: str, found: dict[str, str]) -> Iterator[str]:
        if tag == "img" and "alt" not in found:
            yield "has no alt"
        if tag == "svg" and not (found.get("aria-hidden") == "true" or found.get("role") == "img"):
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
        """Take text that is read."""
        if not _SILENT & set(self.open):
            self.texts.append(data)
            for _, texts in self.named:
                texts.append(data)


def _forbidden(tag: str, found: dict[str, str]) -> Iterator[str]:
    """Yield what the page's policy, or the rule that a fragment is the same for all, forbids."""
    if tag in ("script", "style", "iframe", "object", "form"):
        yield "has no place in a fragment"
    if "style" in found or any(name.startswith("on") for name in found):
        yield "has a style or a script of its own"
    for name in ("href", "src", "xlink:href"):
        if re.match(r"\s*(javascript|data|vbscript):", found.get(name, ""), re.IGNORECASE):
            yield f"leads to {found[name]}"


def _read(html: str, *, whole: bool = False) -> _Reader:
    reader = _Reader(whole=whole)
    reader.feed(html)
    reader.close()
    return reader


def text_of(html: str) -> str:
    """Return what is read without style sheet and script, with single spaces."""
    return " ".join(" ".join(_read(html).texts).split())


def problems(html: str) -> list[str]:
    """Return what would be in the way of people, or of the page's policy, in a widget's HTML."""
    return _problems(_read(html))


def page_problems(html: str) -> list[str]:
    """Return what would be in the way of people in a whole page."""
    reader = _read(html, whole=True)
    found = _problems(reader)
    if not reader.lang:
        found.append("<html> has no lang")
    if not reader.seen["title"]:
        found.append("the page has no <title>")
    if reader.seen["h1"] != 1:
        found.append(f"the page has {reader.seen['h1']} headings <h1> instead of one")
    return found


def _problems(reader: _Reader) -> list[str]:
    twice = [f"the id {name} is there twice" for name, number in reader.ids.items() if number > 1]
    unnamed = [f"<{tag}> has no label" for tag, name in reader.fields if not name or name not in reader.labels]
    return reader.problems + twice + unnamed + [f"<{tag}> is never closed" for tag in reader.open]
