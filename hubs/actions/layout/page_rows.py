"""Adds, changes, orders and removes the further pages of a hub; their widgets are changed by `hubs.actions.widgets`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from hubs.actions import outbox, widgets
from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import GRID, PAGES, Hub, Page, Visibility
from hubs.models.hub import PAGE_TITLE_LENGTH, SLUG_LENGTH
from hubs.models.visible_text import clean_name
from hubs.permissions import NO_PAGE, Person, can, require
from hubs.widgets.registry import Registry

_SLUG = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{SLUG_LENGTH - 1}}}")


def find(person: Person, hub: Hub, slug: str) -> Page:
    """Return a page of a hub that a person may see.

    :raises NotFound: when there is none; the same if it is hidden from them.
    """
    for page in hub.pages:
        if page.slug == slug and can(person, "view", page):
            return page
    raise NotFound(_(NO_PAGE))


def visible(person: Person, hub: Hub) -> list[Page]:
    """Return the pages of a hub that a person may see, in the order of their tabs."""
    return [page for page in hub.pages if can(person, "view", page)]


def add(
    session: Session,
    person: Person,
    hub: Hub,
    slug: str,
    title: str,
    visibility: str = Visibility.PUBLIC,
    left_width: Any = 8,
) -> Page:
    """Add an empty page after the others.

    :raises InvalidInput: with one sentence per field that cannot be accepted.
    :raises Conflict: when the slug is taken, or the hub has the maximal number of pages.
    """
    require(person, "edit", hub)
    if len(hub.pages) >= PAGES:
        raise Conflict(too_many())
    return insert(session, person, hub, slug, title, visibility, left_width)


def insert(session: Session, person: Person, hub: Hub, slug: str, title: str, visibility: str, left_width: Any) -> Page:
    """Do what `add` does, however many pages there are: for documents, which may replace all pages at once."""
    require(person, "edit", hub)
    fields = {
        "title": title_of(title),
        "visibility": widgets.visibility_of(visibility),
        "left_width": width_of(left_width),
    }
    if check_slug(slug) in {page.slug for page in hub.pages}:
        raise Conflict(taken(slug))
    page = Page(slug=slug, position=max((page.position for page in hub.pages), default=-1) + 1, **fields)
    hub.pages.append(page)
    note(session, person, hub, "added", page)
    return page


def update(session: Session, person: Person, page: Page, values: Mapping[str, Any]) -> list[str]:
    """Change the ``title``, ``visibility`` or ``left_width`` of a page; return the names of those that changed.

    :raises InvalidInput: when one of them is not valid.
    """
    require(person, "edit", page)
    read = {"title": title_of, "visibility": widgets.visibility_of, "left_width": width_of}
    cleaned = {name: read[name](value) for name, value in values.items()}
    changed = {name: [getattr(page, name), value] for name, value in cleaned.items() if getattr(page, name) != value}
    for name in changed:
        setattr(page, name, cleaned[name])
    if changed:
        note(session, person, page.hub, "changed", page, changed)
    return list(changed)


def arrange(session: Session, person: Person, hub: Hub, order: Sequence[Page]) -> bool:
    """Put all pages of a hub into this order; return whether it changed."""
    require(person, "edit", hub)
    if list(order) == sorted(hub.pages, key=lambda page: page.position):
        return False
    for position, page in enumerate(order):
        page.position = position
    hub.pages.sort(key=lambda page: page.position)
    note(session, person, hub, "ordered")
    return True


def remove(session: Session, registry: Registry, person: Person, page: Page) -> None:
    """Remove a page with its widgets."""
    require(person, "edit", page)
    hub = page.hub
    for row in [row for row in hub.widgets if row.page is page]:
        widgets.remove(session, registry, person, row)
    hub.pages.remove(page)
    note(session, person, hub, "removed", page)


def too_many() -> str:
    """Return the sentence that says why another page cannot be added."""
    return _("A hub has at most %(most)s pages beside its home page: remove one first.") % {"most": PAGES}


def title_of(value: Any) -> str:
    """Return the title of a page as it is stored.

    :raises InvalidInput: when it is empty, too long, or not visible.
    """
    title = clean_name(value)
    if not title or len(title) > PAGE_TITLE_LENGTH:
        sentence = _("Please write from 1 to %(most)s characters.") % {"most": PAGE_TITLE_LENGTH}
        raise InvalidInput(_("A page needs a short title."), {"title": sentence})
    return title


def width_of(value: Any) -> int:
    """Return the width of a page's left column, in grid columns.

    :raises InvalidInput: when it is not from 1 to 11.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < GRID:
        sentence = _("Please choose a width from 1 to %(most)s.") % {"most": GRID - 1}
        raise InvalidInput(sentence, {"left_width": sentence})
    return value


def taken(slug: str) -> str:
    """Return the sentence that says that another page has a slug."""
    return _("This hub already has a page %(slug)s.") % {"slug": slug}


def check_slug(value: str) -> str:
    """Return a slug that can be part of an address.

    :raises InvalidInput: otherwise.
    """
    if not _SLUG.fullmatch(value):
        sentence = _("Use at most %(most)s small letters, digits and -.") % {"most": SLUG_LENGTH}
        raise InvalidInput(_("This cannot be part of an address."), {"slug": sentence})
    return value


def note(
    session: Session,
    person: Person,
    hub: Hub,
    act: str,
    page: Page | None = None,
    changed: Mapping[str, list[Any]] | None = None,
) -> None:
    """Record a change of the pages: for the audit log, a new revision, and open pages of the hub."""
    hub.touch(only_content=True)
    session.flush()
    body = outbox.about_hub(session, hub, person.username, changed_keys=["pages"])
    # The title only for the audit log: the message of a public hub is public, and the page may not be. Of a hidden page
    # it does not even say who changed it.
    detail = {"act": act, "page": page.title if page else "", "values": dict(changed or {})}
    is_hidden = page is not None and page.visibility != Visibility.PUBLIC
    outbox.record(session, "hubs.hub.updated", body, hub, quiet=is_hidden, detail=detail)
