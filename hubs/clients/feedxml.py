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

#: Longest text in characters; the rest is cut.
TEXT_LIMIT = 5000
_ROOTS = ("rss", "rdf", "feed")
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
#: The part of a document type in which a feed could define entities and default attributes. Bounded, so that the search
#: takes linear time.
_SUBSET = re.compile(r"<!DOCTYPE[^\[>]{0,500}\[", re.IGNORECASE)
#: The elements of a feed and of an entry that are read, by their names in lower case.
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
#: Characters before the XML declaration that are skipped.
_NOISE = 4000
_DECLARED = re.compile(rb"<\?xml[^>]{1,200}encoding\s{0,9}=\s{0,9}[\"']([A-Za-z0-9._-]{1,40})")
_CHARSET = re.compile(r"charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9._-]{1,40})")
#: Encodings that are supersets of ASCII. Some of Python's others are slow, too.
_CODECS = re.compile(
    r"utf-?8|(us-)?ascii|iso-?8859-?\d{1,2}|latin-?\d|(windows-?|cp)125\d|koi8-?[ru]|gb2312|gbk|gb18030|big5|euc-?\w\w|"
    "shift_?jis",
    re.IGNORECASE,
)
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
#: Entities of HTML, references to characters that do not exist, and bare ampersands: libxml2 recovers from them by
#: dropping text, so they are escaped first. In CDATA, an ampersand means itself.
_AMPERSAND = re.compile(
    r"(?P<cdata><!\[CDATA\[.*?(?:\]\]>|\Z))"
    r"|&(?!(?:amp|lt|gt|quot|apos);)(#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)?",
    re.DOTALL,
)

Fields = dict[str, str]


class RawFeed:
    """The contents of a feed; ``base`` is the base of its relative addresses if it declares one."""

    def __init__(self) -> None:
        self.base, self.head = "", Fields()
        self.entries: list[Fields] = []


def parse(body: bytes, content_type: str, limit: int) -> RawFeed:
    """Return the contents of a feed with its first ``limit`` entries, as far as its XML can be parsed.

    :raises InvalidInput: when it is not a feed, or defines entities or default attributes.
    """
    text = _decoded(body, content_type)
    reader = _Reader(limit)
    reader.read(text)
    if not reader.is_feed:
        raise InvalidInput("There is no feed.")
    return reader.parts


class _LimitReached(Exception):
    """The maximum number of entries has been read; ends the parsing."""


class _Reader:
    """Collects the contents of one feed: a parser target of lxml."""

    def __init__(self, limit: int) -> None:
        self.parts, self.is_feed, self._limit = RawFeed(), False, limit
        #: Prefix of each open element, and the fields that its children belong to.
        self._open: list[tuple[str, Fields | None]] = []
        self._into: Fields | None = None
        self._field, self._depth, self._texts, self._room = "", 0, list[str](), 0
        self._has_subset = False

    def read(self, text: str) -> None:
        """Read a feed.

        :raises InvalidInput: when it is not a feed, or defines entities or default attributes.
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
        with suppress(_LimitReached, etree.XMLSyntaxError):
            parser.feed(_AMPERSAND.sub(_escaped, text).encode("utf-8", "replace"))
            parser.close()

    def doctype(self, _name: str | None, _public: str | None, _system: str | None) -> None:
        """Refuse definitions, which can expand to any size. Called by lxml."""
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
        fields = None
        outside = len(self._open) < 3  # extensions may have items of their own, within an entry
        if outside and local in ("item", "entry"):
            if len(self.parts.entries) >= self._limit:
                raise _LimitReached
            fields = Fields()
            self.parts.entries.append(fields)
        elif outside and local == "channel":
            fields = self.parts.head
        elif parent is not None and local in _FIELDS and prefix in (within, *_CORE):
            self._collect(parent, _FIELDS[local], attributes)
        elif self._field == "author" and local == "name":
            self._texts = []  # without the address beside it
        self._open.append((prefix, fields))

    def _begin(self, prefix: str, local: str, attributes: Mapping[str, str]) -> None:
        if local not in _ROOTS:
            raise InvalidInput("There is no feed.")
        self.is_feed, self.parts.base = True, attributes.get(_BASE, "")
        self._open.append((prefix, self.parts.head if local == "feed" else None))

    def _collect(self, into: Fields, field: str, attributes: Mapping[str, str]) -> None:
        if field == "link" and "href" in attributes:
            if attributes.get("rel", "alternate") == "alternate":
                into.setdefault(field, attributes["href"])
        elif field != "guid" or attributes.get("isPermaLink", "true") == "true":
            self._into, self._field, self._depth = into, field, len(self._open)
            self._texts, self._room = [], TEXT_LIMIT

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
    """Return a feed as text; undecodable bytes are replaced."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return _CONTROL.sub("", body[len(mark) :].decode(name, "replace")).lstrip()
    declared, charset = _DECLARED.search(body[: _NOISE + 400]), _CHARSET.search(content_type[:200].lower())
    encoding = declared[1].decode() if declared else charset[1] if charset else ""
    name = encoding if _CODECS.fullmatch(encoding) else "utf-8"
    try:
        text = body.decode(name, "replace")
    except LookupError:
        text = body.decode("utf-8", "replace")
    return _CONTROL.sub("", _from_declaration(text)).lstrip()


def _from_declaration(text: str) -> str:
    """Return a text from its XML declaration on; programs print warnings before it, which are no XML."""
    start = text.find("<?xml", 0, _NOISE)
    return text[start:] if start > 0 else text


def _escaped(match: re.Match[str]) -> str:
    """Return valid XML in place of an HTML entity, an invalid reference or a bare ampersand."""
    if match["cdata"]:
        return match[0]
    return html.escape(_CONTROL.sub("", html.unescape(match[0])))
