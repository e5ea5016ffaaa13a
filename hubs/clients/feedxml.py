"""Feeds taken apart: the texts of a feed and of its entries, in a time that only grows with their length.

Whoever may add a widget can let us read what they wrote for that. A megabyte that was made for the regular expressions
of feedparser stops the whole process for an hour, so expat reads feeds here, once through.
"""

import codecs
import html
import re
from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

from hubs.errors import InvalidInput

#: Characters that are kept of each text.
KEPT = 5000
_ROOTS = ("rss", "rdf", "feed")
#: What is read of a feed and of an entry: names of elements, in small letters.
_FIELDS = {
    "title": "title",
    "link": "link",
    "guid": "guid",
    "author": "author",
    "creator": "author",
    "published": "published",
    "pubdate": "published",
    "issued": "published",
    "date": "published",
    "updated": "updated",
    "modified": "updated",
    "description": "summary",
    "summary": "summary",
    "content": "summary",
}
#: Prefixes of Dublin Core, as everybody writes them; names of other vocabularies mean something else.
_CORE = ("dc", "dcterms")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED = re.compile(rb"<\?xml[^>]{1,200}encoding\s{0,9}=\s{0,9}[\"']([A-Za-z0-9._-]{1,40})")
_CHARSET = re.compile(r"charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9._-]{1,40})")
#: Encodings in which ASCII is ASCII; some others of Python's take their time, too.
_CODECS = re.compile(
    r"utf-?8|(us-)?ascii|iso-?8859-?\d{1,2}|latin-?\d|(windows-?|cp)125\d|koi8-?[ru]|gb2312|gbk|gb18030|big5|euc-?\w\w|"
    "shift_?jis",
    re.IGNORECASE,
)
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
#: What XML may not understand: entities of HTML, references to characters that there are not, bare ampersands. In
#: CDATA, an ampersand means itself.
_AMPERSAND = re.compile(
    r"(?P<kept><!\[CDATA\[.*?(?:\]\]>|\Z))"
    r"|&(?!(?:amp|lt|gt|quot|apos);)(#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)?",
    re.DOTALL,
)

Fields = dict[str, str]


class RawFeed:
    """What is in a feed; ``base`` is what its addresses are relative to, where it says so itself."""

    def __init__(self) -> None:
        self.base, self.head = "", Fields()
        self.entries: list[Fields] = []


def parse(body: bytes, content_type: str, most: int) -> RawFeed:
    """Return the parts of a feed with its first ``most`` entries.

    What comes before a mistake in its XML counts, once mistakes that are made often are put right.

    :raises InvalidInput: when it is no feed, or brings entities or default attributes of its own.
    """
    text = _decoded(body, content_type)
    reader = _Reader(most)
    if not reader.read(text):
        repaired = _Reader(most)
        repaired.read(_AMPERSAND.sub(_spelt_out, text))
        reader = repaired
    if not reader.known:
        raise InvalidInput("There is no feed.")
    return reader.parts


class _Enough(Exception):
    """There are as many entries as are wanted."""


class _Unknown(Exception):
    """There is an entity that may be declared elsewhere, which is not read: expat would leave it out."""


class _Reader:
    """Reads one feed: hears of its elements in their order."""

    def __init__(self, most: int) -> None:
        self.parts, self.known, self._most = RawFeed(), False, most
        #: Of each open element, its prefix and what its children belong to.
        self._open: list[tuple[str, Fields | None]] = []
        self._into: Fields | None = None
        self._field, self._depth, self._texts, self._room = "", 0, list[str](), 0

    def read(self, text: str) -> bool:
        """Read a feed; return whether there was no mistake in its XML."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler, parser.SkippedEntityHandler = self._text, self._unknown
        parser.EntityDeclHandler = parser.AttlistDeclHandler = self._declared
        try:
            parser.Parse(text, True)
        except _Enough:
            return True
        except (expat.ExpatError, _Unknown):
            return False
        return True

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        prefix, _colon, local = name.lower().rpartition(":")
        if not self._open:
            self._begin(prefix, local, attributes)
            return
        within, parent = self._open[-1]
        box = None
        outside = len(self._open) < 3  # others' extensions may have items of their own, within an entry
        if outside and local in ("item", "entry"):
            if len(self.parts.entries) >= self._most:
                raise _Enough
            box = Fields()
            self.parts.entries.append(box)
        elif outside and local == "channel":
            box = self.parts.head
        elif parent is not None and local in _FIELDS and prefix in (within, *_CORE):
            self._collect(parent, _FIELDS[local], attributes)
        elif self._field == "author" and local == "name":
            self._texts = []  # an address stands beside it
        self._open.append((prefix, box))

    def _begin(self, prefix: str, local: str, attributes: Mapping[str, str]) -> None:
        if local not in _ROOTS:
            raise InvalidInput("There is no feed.")
        self.known, self.parts.base = True, attributes.get("xml:base", "")
        self._open.append((prefix, self.parts.head if local == "feed" else None))

    def _collect(self, into: Fields, field: str, attributes: Mapping[str, str]) -> None:
        if field == "link" and "href" in attributes:
            if attributes.get("rel", "alternate") == "alternate":
                into.setdefault(field, attributes["href"])
        elif field != "guid" or attributes.get("isPermaLink", "true") == "true":
            self._into, self._field, self._depth = into, field, len(self._open)
            self._texts, self._room = [], KEPT

    def _end(self, name: str) -> None:
        self._open.pop()
        named = self._field == "author" and len(self._open) == self._depth + 1 and name.lower().endswith("name")
        if self._into is not None and (named or len(self._open) == self._depth):
            if text := "".join(self._texts).strip():
                self._into.setdefault(self._field, text)
            self._into, self._field = None, ""

    def _text(self, text: str) -> None:
        if self._into is not None and self._room > 0:
            self._texts.append(text[: self._room])
            self._room -= len(text)

    def _unknown(self, *_named: Any) -> None:
        raise _Unknown

    def _declared(self, *_what: Any) -> None:
        raise InvalidInput("What is declared once may stand in more places than anybody can read.")


def _decoded(body: bytes, content_type: str) -> str:
    """Return a feed as text; what cannot be decoded in it is replaced."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return _CONTROL.sub("", body[len(mark) :].decode(name, "replace")).lstrip()
    declared, charset = _DECLARED.search(body[:400]), _CHARSET.search(content_type[:200].lower())
    found = declared[1].decode() if declared else charset[1] if charset else ""
    name = found if _CODECS.fullmatch(found) else "utf-8"
    try:
        text = body.decode(name, "replace")
    except LookupError:
        text = body.decode("utf-8", "replace")
    return _CONTROL.sub("", text).lstrip()


def _spelt_out(found: re.Match[str]) -> str:
    """Return what XML understands in the place of an entity of HTML, of a wrong reference, or of a bare ampersand."""
    if found["kept"]:
        return found[0]
    return html.escape(_CONTROL.sub("", html.unescape(found[0])))
