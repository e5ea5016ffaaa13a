"""A page's skeleton: the output of the template around the texts that differ between requests.

The template is rendered with a random mark in each slot. Splitting the output at the marks gives the skeleton, and
joining it with current values gives the page. Marks are random per rendering and cannot be guessed, so text that
people write is never taken for one.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import escape

from hubs.fragments.store import Fragment

#: The name of a slot, such as ``("html", 7)`` for the content of widget 7, or ``("token", 0)``.
Slot = tuple[str, int]
#: What the frame of a widget depends on: its id, state, whether it is being refreshed and has content, and its error.
Frame = tuple[int, str, bool, bool, str]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The fixed ``texts`` of a page, in UTF-8, and the ``slots`` between them."""

    texts: tuple[bytes, ...]
    slots: tuple[Slot, ...]
    #: A hash of texts and slots.
    digest: str

    def fill(self, values: Mapping[Slot, bytes]) -> bytes:
        """Return the page; ``values`` are HTML."""
        parts = [b""] * (2 * len(self.texts) - 1)
        parts[::2] = self.texts
        parts[1::2] = [values[slot] for slot in self.slots]
        return b"".join(parts)

    def put(self, values: Mapping[Slot, bytes]) -> "FilledSkeleton":
        """Return the skeleton with the slots in ``values`` filled."""
        # A fragment's digest, in a slot of its own, stands for its HTML, which may be large.
        hashed = [values[slot] for slot in self.slots if slot in values and slot[0] != "html"]
        return FilledSkeleton(self, values, digest_of(b"\0".join((self.digest.encode(), *hashed))))


@dataclass(frozen=True, slots=True)
class FilledSkeleton:
    """A skeleton with some of its slots filled. The texts are joined only when it is sent, which saves memory."""

    skeleton: Skeleton
    values: Mapping[Slot, bytes]
    #: A hash of the skeleton and of the values.
    digest: str

    def fill(self, values: Mapping[Slot, bytes]) -> bytes:
        """Return the page; ``values`` are HTML for the other slots."""
        return self.skeleton.fill({**self.values, **values})


class Placeholders:
    """The marks of one rendering."""

    def __init__(self) -> None:
        self._text = secrets.token_hex(16)
        self._slots: list[Slot] = []

    def mark(self, name: str, number: int = 0) -> str:
        """Return the mark for a slot; it needs no escaping anywhere."""
        self._slots.append((name, number))
        return f"{self._text}-{len(self._slots) - 1}-"

    def split(self, page: str) -> Skeleton:
        """Return the skeleton of a page that was rendered with these marks."""
        parts = re.split(f"{self._text}-([0-9]+)-", page)
        texts = tuple(text.encode() for text in parts[::2])
        slots = tuple(self._slots[int(number)] for number in parts[1::2])
        whole = b"\0".join((*texts, repr(slots).encode()))
        return Skeleton(texts, slots, digest_of(whole))


def etag_of(page: FilledSkeleton, personal: str, secret: str, lifetime: int) -> str:
    """Return the ETag of a page whose fragments are in place, for a session with this CSRF ``secret``.

    It hashes the rendered skeleton, and ``personal`` is a hash of what is put into it for one reader, so together they
    cover everything that the template shows. It leaves out the stream's token
    and cursor (an older cursor only replays more events) and the CSRF token, which is valid as long as the secret.
    It changes well before the stream token in a browser's copy, valid for ``lifetime`` seconds, expires.
    """
    bucket = int(time.time()) // max(1, lifetime // 4)
    return digest_of("\n".join((str(bucket), secret, page.digest, personal)).encode())


def digest_of(text: bytes) -> str:
    """Return a short content hash."""
    return hashlib.blake2b(text, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class FragmentPlaceholder:
    """Stands for a fragment in a template: marks for its content, real values for what its frame depends on."""

    html: str
    digest: str
    built_at: str
    built_minute: str
    state: str
    refreshing: bool
    unsaid: str


def placeholder(fragment: Fragment, marks: Placeholders) -> FragmentPlaceholder:
    """Return the placeholder for a fragment."""
    html, digest, at, minute = (
        marks.mark(name, fragment.widget) for name in ("html", "digest", "built_at", "built_minute")
    )
    # Templates test whether there is HTML at all.
    content = html if fragment.html else ""
    return FragmentPlaceholder(content, digest, at, minute, fragment.state, fragment.refreshing, fragment.unsaid)


def frame_signature(fragments: Mapping[int, Fragment], editor: bool) -> tuple[Frame, ...]:
    """Return what the frames depend on; a skeleton can be reused while this is unchanged."""
    return tuple(
        (widget_id, fragment.state, fragment.refreshing, bool(fragment.html), fragment.unsaid if editor else "")
        for widget_id, fragment in sorted(fragments.items())
    )


def values_of(fragments: Mapping[int, Fragment]) -> dict[Slot, bytes]:
    """Return the values for the slots of fragments."""
    values: dict[Slot, bytes] = {}
    for widget_id, fragment in fragments.items():
        values["html", widget_id] = fragment.html.encode()
        values["digest", widget_id] = escape(fragment.digest).encode()
        values["built_at", widget_id] = escape(fragment.built_at).encode()
        values["built_minute", widget_id] = escape(fragment.built_minute).encode()
    return values
