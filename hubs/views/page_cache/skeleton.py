"""A page's skeleton: what the template makes around those texts that differ from one request to the next.

The template is rendered with a mark in the place of each such text; the page is then the texts between the marks,
joined with the values of now. Marks are random for each rendering and cannot be guessed, so nothing that people
write is ever taken for one.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import escape

from hubs.fragments.store import Fragment

#: The name of a place, such as ``("html", 7)`` for the content of widget 7, or ``("token", 0)``.
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The ``texts`` of a page, and which ``places`` are between them."""

    texts: tuple[str, ...]
    places: tuple[Place, ...]
    #: Differs where the texts or the places of two skeletons differ.
    digest: str

    def fill(self, values: Mapping[Place, str]) -> str:
        """Return the page; ``values`` are HTML."""
        parts = [""] * (2 * len(self.texts) - 1)
        parts[::2] = self.texts
        parts[1::2] = [values[place] for place in self.places]
        return "".join(parts)

    def put(self, values: Mapping[Place, str]) -> "Skeleton":
        """Return the skeleton with some places filled; a fragment's digest counts for its content there."""
        texts, places, said = [self.texts[0]], [], [self.digest]
        for place, text in zip(self.places, self.texts[1:], strict=True):
            if place in values:
                texts[-1] += values[place] + text
                if place[0] != "html":
                    said.append(values[place])
            else:
                texts.append(text)
                places.append(place)
        return Skeleton(tuple(texts), tuple(places), digest_of("\0".join(said)))


class Placeholders:
    """The marks of one rendering."""

    def __init__(self) -> None:
        self._text = secrets.token_hex(16)
        self._places: list[Place] = []

    def mark(self, name: str, number: int = 0) -> str:
        """Return the mark for a place; it needs no escaping anywhere."""
        self._places.append((name, number))
        return f"{self._text}-{len(self._places) - 1}-"

    def split(self, page: str) -> Skeleton:
        """Return the skeleton of a page that was rendered with these marks."""
        parts = re.split(f"{self._text}-([0-9]+)-", page)
        texts, places = tuple(parts[::2]), tuple(self._places[int(number)] for number in parts[1::2])
        whole = "\0".join((*texts, repr(places)))
        return Skeleton(texts, places, digest_of(whole))


def tag_of(page: Skeleton, secret: str, lifetime: int) -> str:
    """Return the entity tag of a page whose fragments are in place, for a session with this CSRF ``secret``.

    It is made of the page's skeleton, so nothing that a template shows can be forgotten: versions, the person, roles,
    notes, fragments. Left out is what differs with every rendering and says nothing: the stream's token and cursor
    (with an older cursor the stream gives what happened since) and the CSRF token, which is good for as long as the
    secret.
    The tag changes before a stream's token in a page that a browser kept, good for ``lifetime`` seconds, is too old.
    """
    bucket = int(time.time()) // max(1, lifetime // 4)
    return digest_of("\n".join((str(bucket), secret, page.digest)))


def digest_of(text: str) -> str:
    """Return a short content hash."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class FragmentPlaceholder:
    """What a template gets in the place of a fragment; only what decides about its frame is real."""

    html: str
    digest: str
    built_at: str
    built_minute: str
    state: str
    refreshing: bool
    unsaid: str


def placeholder(found: Fragment, marks: Placeholders) -> FragmentPlaceholder:
    """Return the placeholder for a fragment."""
    html, digest, at, minute = (
        marks.mark(name, found.widget) for name in ("html", "digest", "built_at", "built_minute")
    )
    return FragmentPlaceholder(
        html if found.html else "", digest, at, minute, found.state, found.refreshing, found.unsaid
    )


def frame_signature(found: Mapping[int, Fragment], editor: bool) -> tuple[tuple[object, ...], ...]:
    """Return what the frames depend on; a skeleton can be reused while this is unchanged."""
    return tuple(
        (number, one.state, one.refreshing, bool(one.html), one.unsaid if editor else "")
        for number, one in sorted(found.items())
    )


def values_of(found: Mapping[int, Fragment]) -> dict[Place, str]:
    """Return what is put into the places of fragments."""
    values: dict[Place, str] = {}
    for number, one in found.items():
        values["html", number] = one.html
        values["digest", number] = str(escape(one.digest))
        values["built_at", number] = str(escape(one.built_at))
        values["built_minute", number] = str(escape(one.built_minute))
    return values
