"""Steps of editing the further pages of a hub's document. As in `edits`, nothing is stored here."""

import re
import unicodedata
from typing import Any

from hubs.actions import widgets
from hubs.actions.layout import page_rows
from hubs.actions.layout.documents import HubDocument, PageDocument
from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import PAGES, Visibility
from hubs.models.hub import SLUG_LENGTH

#: Fields of a page that two people may change in different ways.
FIELDS = ("title", "visibility", "left_width")


def find(document: HubDocument, slug: str) -> PageDocument:
    """Return a page of a document.

    :raises NotFound: when there is none with this slug.
    """
    for page in document.pages:
        if page.slug == slug:
            return page
    raise NotFound(_("There is no such page in this draft any more. Load the editor again."))


def add(document: HubDocument, title: str, visibility: str = Visibility.PUBLIC) -> tuple[HubDocument, str]:
    """Add an empty page after the others; return the document and the page's slug, which the title gives.

    :raises InvalidInput: when the title or the visibility is not valid.
    :raises Conflict: when the hub has the maximal number of pages.
    """
    if len(document.pages) >= PAGES:
        raise Conflict(page_rows.too_many())
    title, level = page_rows.title_of(title), widgets.visibility_of(visibility)
    slug = slug_for(title, {page.slug for page in document.pages})
    new = PageDocument(slug=slug, title=title, visibility=level)
    return document.model_copy(update={"pages": [*document.pages, new]}), slug


def change(document: HubDocument, slug: str, title: str, visibility: str) -> HubDocument:
    """Change the title and the visibility of a page.

    :raises InvalidInput: when one of them is not valid.
    :raises NotFound: when there is no such page.
    """
    fields = {"title": page_rows.title_of(title), "visibility": widgets.visibility_of(visibility)}
    return _replace(document, find(document, slug).model_copy(update=fields))


def rename(document: HubDocument, slug: str, new: str) -> HubDocument:
    """Change the slug of a page that is only in the draft.

    :raises InvalidInput: when it cannot be part of an address.
    :raises Conflict: when another page has it.
    :raises NotFound: when there is no such page.
    """
    page = find(document, slug)
    if page_rows.check_slug(new) in {other.slug for other in document.pages if other is not page}:
        raise Conflict(page_rows.taken(new))
    renamed = page.model_copy(update={"slug": new})
    return document.model_copy(update={"pages": [renamed if other is page else other for other in document.pages]})


def widen(document: HubDocument, slug: str, columns: int) -> HubDocument:
    """Set the width of a page's left column, in grid columns.

    :raises NotFound: when there is no such page.
    """
    return _replace(document, find(document, slug).model_copy(update={"left_width": columns}))


def move(document: HubDocument, slug: str, by: int) -> HubDocument:
    """Move a page by some places among the tabs, such as -1; it stops at the ends.

    :raises NotFound: when there is no such page.
    """
    page = find(document, slug)
    others = [other for other in document.pages if other is not page]
    others.insert(max(0, document.pages.index(page) + by), page)
    return document.model_copy(update={"pages": others})


def remove(document: HubDocument, slug: str) -> HubDocument:
    """Remove a page and its widgets.

    :raises NotFound: when there is no such page.
    """
    page = find(document, slug)
    return document.model_copy(update={"pages": [other for other in document.pages if other is not page]})


def take(document: HubDocument, other: HubDocument, slug: str, name: str) -> HubDocument:
    """Copy one of `FIELDS` of a page from another document.

    :raises InvalidInput: when it is none of them.
    :raises NotFound: when one of the documents has no such page.
    """
    if name not in FIELDS:
        raise InvalidInput(_("This cannot be taken from the other version, since it is not in both."))
    return _replace(document, find(document, slug).model_copy(update={name: getattr(find(other, slug), name)}))


def slug_for(title: str, used: set[str]) -> str:
    """Return a slug that is not ``used``: ``first-steps`` for “First steps”; ``page`` for other scripts."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: SLUG_LENGTH - 3].strip("-") or "page"
    return next(name for name in (base, *(f"{base}-{n}" for n in range(2, len(used) + 3))) if name not in used)


def _replace(document: HubDocument, changed: PageDocument) -> HubDocument:
    update: dict[str, Any] = {"pages": [changed if page.slug == changed.slug else page for page in document.pages]}
    return document.model_copy(update=update)
