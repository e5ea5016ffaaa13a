"""Applies a document to a hub: from a file, a draft, or an older revision."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions import hubs, widgets
from hubs.actions.layout import diff, documents, page_rows
from hubs.actions.layout.diff import Change
from hubs.actions.layout.documents import HubDocument, WidgetDocument, every_widget, zones
from hubs.actions.layout.pages import FIELDS
from hubs.actions.people import roles
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import Hub, Page, RoleName, User, Widget
from hubs.models.hub_fields import HUB_FIELDS
from hubs.permissions import Person, require
from hubs.widgets.registry import Registry


def apply(session: Session, registry: Registry, person: Person, hub: Hub, document: HubDocument) -> list[Change]:
    """Change a hub, its widgets and, if the document lists them, its people; return the changes.

    Everything happens in the caller's transaction: an error leaves the hub unchanged, and rolling back makes it a dry
    run.

    :raises InvalidInput: listing every invalid place of the document.
    """
    before = documents.describe(hub, registry, people=True)
    require(person, "own", hub)
    # Nothing else can be changed while the hub is archived: it is unarchived first, and archived last.
    if hub.archived and not document.value("archived"):
        hubs.update(session, person, hub, {"archived": False})
    _record(session, person, hub, document)
    _layout(session, registry, person, hub, document)
    for name, role in (("owners", RoleName.OWNER), ("members", RoleName.MEMBER)):
        if (usernames := getattr(document, name)) is not None:
            _people(session, person, hub, role, usernames)
    if document.value("archived") and not hub.archived:
        hubs.update(session, person, hub, {"archived": True})
    return diff.between(before, documents.describe(hub, registry, people=True))


def find_or_create(session: Session, registry: Registry, document: HubDocument) -> Hub:
    """Return the hub that a document names; create it for the first of its owners if it does not exist.

    :raises InvalidInput: when the hub does not exist and none of the named owners has an account.
    :raises Conflict: when a hub of another kind is at its address.
    """
    hub = hubs.at_address(session, document.kind, document.hub)
    if hub is not None and hub.kind != document.kind:
        raise hubs.taken(document.hub)
    if hub is not None and hub.deleted_on is not None:
        raise InvalidInput(f"The hub {document.hub} is deleted. An owner can bring it back on the page “My account”.")
    if hub is not None:
        return hub
    if not document.owners:
        raise InvalidInput(
            _("There is no hub %(hub)s yet. To create it, name its owners: `owners: [somebody]`.")
            % {"hub": document.hub}
        )
    founder = _accounts(session, document.owners[:1])[0]
    return hubs.create(session, registry, founder, document.kind, document.hub, layout=())


def _record(session: Session, person: Person, hub: Hub, document: HubDocument) -> None:
    values = document.record()
    if person.operator:
        values |= {field.name: document.value(field.name) for field in HUB_FIELDS if field.permission == "operate"}
    current = {field.name: field.get(hub) for field in HUB_FIELDS}
    changes = {name: value for name, value in values.items() if current[name] != value}
    if changes:
        hubs.update(session, person, hub, changes)


def _layout(session: Session, registry: Registry, person: Person, hub: Hub, document: HubDocument) -> None:
    rows_by_key = {row.key: row for row in hub.widgets}
    widgets_by_id = {widget.id: widget for widget in every_widget(document)}
    # Removed first, so that the limit of widgets does not refuse a document that replaces some. A widget of another
    # type under the same id is a new widget, since settings of one type mean nothing to another.
    for key, row in list(rows_by_key.items()):
        if key not in widgets_by_id or widgets_by_id[key].widget != row.plugin:
            widgets.remove(session, registry, person, rows_by_key.pop(key))
    places = _pages(session, person, hub, document)
    _send(session, registry, person, document, rows_by_key, places)
    # Errors are collected, so that a file with several mistakes is corrected in one go.
    errors: dict[str, str] = {}
    columns: dict[tuple[Page | None, str], list[Widget]] = {}
    for (slug, side), rows in zones(document).items():
        place = (places[slug], side)
        columns[place] = []
        for widget in rows:
            try:
                row = _widget(session, registry, person, hub, rows_by_key.get(widget.id), widget, place)
                columns[place].append(row)
            except InvalidInput as error:
                texts: Iterable[tuple[str, str]] = error.fields.items() or (("", str(error)),)
                errors.update({f"{widget.id}, {name}" if name else widget.id: text for name, text in texts})
    if errors:
        listed = "; ".join(f"{place}: {reason}" for place, reason in errors.items())
        raise InvalidInput(_("Some widgets cannot be created. %(listed)s") % {"listed": listed}, errors)
    widgets.arrange(session, registry, person, hub, columns)
    # Removed last: the widgets that stay have left them.
    wanted = [page for page in places.values() if page is not None]
    for page in [page for page in hub.pages if page not in wanted]:
        page_rows.remove(session, registry, person, page)
    page_rows.arrange(session, person, hub, wanted)


def _pages(session: Session, person: Person, hub: Hub, document: HubDocument) -> dict[str, Page | None]:
    """Give the hub the pages of a document, beside those that it has; return them by slug in the document's order."""
    present = {page.slug: page for page in hub.pages}
    result: dict[str, Page | None] = {"": None}
    for shown in document.pages:
        page = present.get(shown.slug)
        if page is None:
            # Without the limit, which the document keeps: pages that it does not have are still there.
            page = page_rows.insert(session, person, hub, shown.slug, shown.title, shown.visibility, shown.left_width)
        else:
            page_rows.update(session, person, page, {name: getattr(shown, name) for name in FIELDS})
        result[shown.slug] = page
    return result


def _send(
    session: Session,
    registry: Registry,
    person: Person,
    document: HubDocument,
    rows_by_key: Mapping[str, Widget],
    places: Mapping[str, Page | None],
) -> None:
    """Move widgets to their pages before they change: only the new audience may hear of the changes."""
    for (slug, _side), documents_of_zone in zones(document).items():
        for widget in documents_of_zone:
            row = rows_by_key.get(widget.id)
            if row is not None and row.page is not places[slug]:
                widgets.send(session, registry, person, row, places[slug])


def _widget(
    session: Session,
    registry: Registry,
    person: Person,
    hub: Hub,
    row: Widget | None,
    widget: WidgetDocument,
    place: tuple[Page | None, str],
) -> Widget:
    page, side = place
    if row is None:
        return widgets.add(
            session,
            registry,
            person,
            hub,
            widget.widget,
            side,
            widget.settings,
            widget.title,
            widget.id,
            widget.visibility,
            widget.width,
            page,
        )
    if registry.get(widget.widget) is not None:
        # Documents contain no secrets; the widget keeps its own.
        widgets.update(session, registry, person, row, widget.settings, widget.title, visibility=widget.visibility)
    # Also of a widget that is not installed here: its place on the page does not depend on its type.
    widgets.resize(session, registry, person, row, widget.width)
    return row


def _people(session: Session, person: Person, hub: Hub, role: RoleName, usernames: list[str]) -> None:
    users = _accounts(session, usernames)
    for user in users:  # add before removing, so that the hub always has an owner
        roles.give_role(session, person, hub, user, role)
    for user in [user for user in hub.people(role) if user.username not in set(usernames)]:
        roles.drop_role(session, person, hub, user, role)


def _accounts(session: Session, usernames: list[str]) -> list[User]:
    users = {user.username: user for user in session.scalars(select(User).where(User.username.in_(usernames)))}
    unknown = sorted(set(usernames) - set(users))
    if unknown:
        raise InvalidInput(
            _("There is no account called %(names)s. Accounts are created when people sign in for the first time.")
            % {"names": ", ".join(unknown)}
        )
    return [users[username] for username in dict.fromkeys(usernames)]
