"""The further pages of a hub in the page editor: which one is shown, and the steps that change them in the draft."""

from flask import request

from hubs.actions.layout import drafts, page_addresses, pages
from hubs.actions.layout.documents import HubDocument
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import Hub, Visibility
from hubs.views.web.context import app_context, current_person, db


def shown_page(document: HubDocument) -> str:
    """Return the slug of the page that the editor shows; empty, for the home page, if the draft has no such page."""
    slug = request.args.get("page", "")
    return slug if slug in {page.slug for page in document.pages} else ""


def step(document: HubDocument, here: str) -> tuple[HubDocument, str]:
    """Add a page, or change, move or remove the one that is shown; return the draft and the slug of the page to show.

    :raises InvalidInput: when the form is not valid.
    :raises NotFound: when the page that the form changes is not in the draft any more.
    """
    form = request.form
    act = form.get("act", "")
    title, level = form.get("title", ""), form.get("visibility", Visibility.PUBLIC.value)
    # The form names its page, so that it cannot change another one after an undo in a second tab.
    slug = form.get("slug", "")
    if act == "page-add":
        return pages.add(document, title, level)
    if act == "page-set":
        return pages.change(document, slug, title, level), slug
    if act in ("page-earlier", "page-later"):
        return pages.move(document, slug, -1 if act == "page-earlier" else 1), slug
    if act == "page-remove":
        return pages.remove(document, slug), "" if slug == here else here
    raise InvalidInput(_("A page can be added, changed, moved or removed."))


def rename(hub: Hub) -> str:
    """Change the address of a page: at once, but of one that is only in the draft there; return the new slug.

    :raises InvalidInput: when it cannot be part of an address.
    :raises Conflict: when another page has it.
    """
    slug, new = request.form.get("slug", ""), request.form.get("address", "").strip()
    page = next((page for page in hub.pages if page.slug == slug), None)
    registry = app_context().registry
    document = drafts.view(db(), registry, current_person(), hub).document
    if page is None or new in {other.slug for other in document.pages if other.slug != slug}:
        drafts.put(db(), registry, current_person(), hub, pages.rename(document, slug, new))
    else:
        page_addresses.change(db(), current_person(), page, new)
    return new
