"""Reading a fragment as people and their aids do: its plain text, and what would be in their way."""

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

_VOID = {"br", "hr", "img", "input", "wbr", "line", "rect", "circle", "path", "use"}
_NAMED = {"a", "button", "summary"}
_SILENT = {"script", "style", "svg"}


class _Reader(HTMLParser):
    """Collects text and problems."""

    def __init__(self) -> None:
        super().__init__()
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
        self.problems += [f"<{tag}> {wrong}" for wrong in (*_forbidden(tag, found), *self._confusing(tag, found))]
        if re.fullmatch("h[1-6]", tag):
            self.level = int(tag[1])
        if tag in _NAMED:
            self.named.append((tag, [found.get("aria-label", "") or found.get("title", "")]))
        if tag not in _VOID:
            self.open.append(tag)

    def _confusing(self, tag: str, found: dict[str, str]) -> Iterator[str]:
        if tag == "img" and "alt" not in found:
            yield "has no alt"
        if tag == "svg" and not (found.get("aria-hidden") == "true" or found.get("role") == "img"):
            yield "is neither hidden nor named"
        if re.fullmatch("h[1-6]", tag) and int(tag[1]) > self.level + 1:
            yield f"follows a heading of level {self.level}"
        if tag == "li" and (not self.open or self.open[-1] not in ("ul", "ol", "menu")):
            yield "is outside a list"

    def handle_endtag(self, tag: str) -> None:
        """Close one element."""
        if tag in _VOID:
            return
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


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


def text_of(html: str) -> str:
    """Return what is read without style sheet and script, with single spaces."""
    return " ".join(" ".join(_read(html).texts).split())


def problems(html: str) -> list[str]:
    """Return what would be in the way of people or of the page's policy."""
    reader = _read(html)
    twice = [f"the id {name} is there twice" for name, number in reader.ids.items() if number > 1]
    return reader.problems + twice + [f"<{tag}> is never closed" for tag in reader.open]
