"""Parses feeds in linear time: the texts of a feed and of its entries.

Feeds are hostile input: anybody who may add a widget chooses what is parsed here, and a megabyte written for the
regular expressions of feedparser stops the process for an hour. libxml2 reads a feed once, recovers from mistakes in
its XML, and loads and expands nothing.
"""

import codecs
import html
import re
from collections.abc import Mapping
from contextlib import suppress

from lxml import etree

from hubs.errors import InvalidInput

#: Characters that are kept of each text.
KEPT = 5000
_ROOTS = ("rss", "rdf", "feed")
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
#: The part of a document type in which a feed could define entities and default attributes. Bounded, so that the search
#: takes linear time.
_SUBSET = re.compile(r"<!DOCTYPE[^\[>]{0,500}\[", re.IGNORECASE)
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
#: Dublin Core by namespace, and by its usual prefixes where a feed does not declare them.
_CORE = ("http://purl.org/dc/elements/1.1/", "http://purl.org/dc/terms/", "dc", "dcterms")
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
#: Entities of HTML, references to characters that do not exist, and bare ampersands: libxml2 recovers from them by
#: dropping text, so they are escaped first. In CDATA, an ampersand means itself.
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
    """Return the parts of a feed with its first ``most`` entries, as far as its XML can be understood.

    :raises InvalidInput: when it is no feed, or brings entities or default attributes of its own.
    """
    text = _decoded(body, content_type)
    reader = _Reader(most)
    reader.read(text)
    if not reader.known:
        raise InvalidInput("There is no feed.")
    return reader.parts


class _Enough(Exception):
    """There are as many entries as are wanted."""


class _Reader:
    """Collects the parts of one feed: a parser target of lxml."""

    def __init__(self, most: int) -> None:
        self.parts, self.known, self._most = RawFeed(), False, most
        #: Of each open element, its prefix and what its children belong to.
        self._open: list[tuple[str, Fields | None]] = []
        self._into: Fields | None = None
        self._field, self._depth, self._texts, self._room = "", 0, list[str](), 0
        self._has_subset = False

    def read(self, text: str) -> None:
        """Read a feed.

        :raises InvalidInput: when it is no feed, or defines entities or default attributes.
        """
        self._has_subset = _SUBSET.search(text) is not None
        # Entities stay unresolved, nothing is loaded, and libxml2's limits on depth and size stay in force.
        parser = etree.XMLParser(
            target=self,
            encoding="utf-8",
            recover=True,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            attribute_defaults=False,
            huge_tree=False,
        )
        with suppress(_Enough, etree.XMLSyntaxError):
            parser.feed(_AMPERSAND.sub(_spelt_out, text).encode("utf-8", "replace"))
            parser.close()

    def doctype(self, _name: str | None, _public: str | None, _system: str | None) -> None:
        """Refuse definitions, which can expand to more than anybody can read. Called by lxml."""
        if self._has_subset:
            raise InvalidInput("A feed must not define entities or attributes.")

    def close(self) -> None:
        """Do nothing at the end of the feed; lxml requires the method."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Handle the start of an element. Called by lxml."""
        prefix, local = _split(name)
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
        self.known, self.parts.base = True, attributes.get(_BASE, "")
        self._open.append((prefix, self.parts.head if local == "feed" else None))

    def _collect(self, into: Fields, field: str, attributes: Mapping[str, str]) -> None:
        if field == "link" and "href" in attributes:
            if attributes.get("rel", "alternate") == "alternate":
                into.setdefault(field, attributes["href"])
        elif field != "guid" or attributes.get("isPermaLink", "true") == "true":
            self._into, self._field, self._depth = into, field, len(self._open)
            self._texts, self._room = [], KEPT

    def end(self, name: str) -> None:
        """Handle the end of an element. Called by lxml."""
        if not self._open:
            return
        self._open.pop()
        named = self._field == "author" and len(self._open) == self._depth + 1 and name.lower().endswith("name")
        if self._into is not None and (named or len(self._open) == self._depth):
            if text := "".join(self._texts).strip():
                self._into.setdefault(self._field, text)
            self._into, self._field = None, ""

    def data(self, text: str) -> None:
        """Handle text, which may come in several parts. Called by lxml."""
        if self._into is not None and self._room > 0:
            self._texts.append(text[: self._room])
            self._room -= len(text)


def _split(name: str) -> tuple[str, str]:
    """Split an element's name into vocabulary and local name, in small letters.

    The vocabulary is the namespace, or the bare prefix where the feed does not declare it.
    """
    namespace, brace, local = name.lower().rpartition("}")
    if brace:
        return namespace[1:], local
    prefix, _colon, local = name.lower().rpartition(":")
    return prefix, local


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
