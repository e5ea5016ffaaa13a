"""Changes the address of a further page. The former one leads to it as long as no other page of the hub takes it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions.layout import page_rows
from hubs.errors import Conflict
from hubs.models import Draft, Hub, Page, Revision
from hubs.permissions import Person, can, require

#: Most former addresses that are kept for a page, the newest ones.
KEPT = 10


def change(session: Session, person: Person, page: Page, slug: str) -> None:
    """Give a page another slug, at once and for everybody.

    History and drafts name pages by their slugs and get the new one too: going back to an earlier layout, or saving a
    draft, leaves the address alone.

    :raises InvalidInput: when the slug cannot be part of an address.
    :raises Conflict: when another page of the hub has it.
    """
    require(person, "edit", page)
    hub, old = page.hub, page.slug
    page_rows.check_slug(slug)
    if slug == old:
        return
    # Two owners who choose the same address at once come one after the other.
    session.execute(select(Hub.id).where(Hub.id == hub.id).with_for_update())
    if session.scalar(select(Page.id).where(Page.hub_id == hub.id, Page.slug == slug)) is not None:
        raise Conflict(page_rows.taken(slug))
    page.slug = slug
    page.former_slugs = [old, *(former for former in page.former_slugs if former not in (old, slug))][:KEPT]
    for revision in session.scalars(select(Revision).where(Revision.hub_id == hub.id)):
        revision.document = _renamed(revision.document, old, slug)
    for draft in session.scalars(select(Draft).where(Draft.hub_id == hub.id)):
        draft.base = _renamed(draft.base, old, slug)
        draft.steps = [_renamed(step, old, slug) for step in draft.steps]
    page_rows.note(session, person, hub, "changed", page, {"slug": [old, slug]})


def moved(person: Person, hub: Hub, slug: str) -> Page | None:
    """Return the page that formerly had a slug, if the person may see it; of several the one that had it last."""
    pages = [page for page in hub.pages if slug in page.former_slugs and can(person, "view", page)]
    return min(pages, key=lambda page: page.former_slugs.index(slug), default=None)


def _renamed(document: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """Return a stored document with another slug of a page, unless a page that is gone had the new one in it."""
    pages = document.get("pages", [])
    if new in {page["slug"] for page in pages}:
        return document
    return {**document, "pages": [{**page, "slug": new} if page["slug"] == old else page for page in pages]}
