"""A hub's page, its JSON, and what people do on it."""

from functools import cache
from typing import Any, NamedTuple

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, bindparam, exists, func, literal, select

from hubs import urls
from hubs.actions.inbox import marks
from hubs.actions.layout import page_addresses, page_rows
from hubs.actions.people import announcements, roles
from hubs.errors import InvalidInput, NotAllowed, NotFound
from hubs.fragments.jobs import GRACE
from hubs.i18n import N_, _
from hubs.models import Hub, JoinRequest, Page, RequestState, Role, RoleName, User, Widget
from hubs.models.session_events import note_reads
from hubs.permissions import STAND_INS, Person, can, closed, offers, refusal, require, stand_in
from hubs.views.account import intents
from hubs.views.page_cache import render
from hubs.views.web.context import (
    Moved,
    app_context,
    bar,
    current_person,
    db,
    find_hub,
    hub_page_url,
    locale,
    visible_widgets,
)
from hubs.views.web.stream_tokens import counts_presence, stream_of

blueprint = Blueprint("hub", __name__)

#: Seconds for which a page without JavaScript waits for builds; later ones become links to the widget's own page.
BUDGET = 3.0
#: Maximum number of owners named to people who cannot edit a page.
NAMED = 5
_ACTS = {
    "subscribe": (RoleName.SUBSCRIBER, True),
    "unsubscribe": (RoleName.SUBSCRIBER, False),
    "star": (RoleName.STARGAZER, True),
    "unstar": (RoleName.STARGAZER, False),
    "leave": (RoleName.MEMBER, False),
}
_DONE = {
    "subscribe": N_("You are now subscribed to %(hub)s."),
    "unsubscribe": N_("You have unsubscribed from %(hub)s."),
    "star": N_("You have starred %(hub)s."),
    "unstar": N_("You have removed your star from %(hub)s."),
    "leave": N_("You have left %(hub)s."),
}
_UNDO = {"subscribe": "unsubscribe", "unsubscribe": "subscribe", "star": "unstar", "unstar": "star"}


@blueprint.get("/<any(u, t):space>/<name>/", defaults={"slug": ""})
@blueprint.get("/<any(u, t):space>/<name>/p/<slug>/")
def show(space: str, name: str, slug: str) -> ResponseReturnValue:
    """Show the home page of a hub, or a further one, with its cached fragments; scripts load the others."""
    # Read the cursor first: the stream then replays events that happen while the page is rendered.
    cursor = app_context().events.cursor()
    if (ready := render.put_together(cursor)) is not None:
        return ready
    render.begin()
    hub = find_hub(space, name)
    subpage = _subpage(hub, slug) if slug else None
    if "as" in request.args:
        return _shown_as(hub, subpage, request.args["as"])
    if bar().dot(hub):
        # Opening the page counts as reading the notifications from this hub. The bar in this page is read again, so
        # that its dot is gone.
        marks.look(db(), current_person(), hub)
        db().commit()
        render.read_bar_again()
    viewer = render.viewer_of(hub)
    rows = [row for row in visible_widgets(hub, viewer) if row.page is subpage]
    if "full" in request.args:
        # Without JavaScript nothing loads later, so wait for builds.
        fragments = app_context().fragment_reader.read_many(rows, locale(), BUDGET)
    else:
        # Never wait: one slow widget must not delay the page.
        fragments = app_context().fragments.read_many(rows, locale())
    shown = {**banner_context(hub, viewer), "subpage": subpage, "announces": announcements.exist(db(), hub)}
    news = announcements.current(db(), current_person(), hub.id) if shown["announces"] else []
    return render.page(hub, rows, fragments, cursor, news, shown["has_asked"], **shown)


def _subpage(hub: Hub, slug: str) -> Page:
    """Return a further page; redirect to it from a former address.

    :raises NotFound: if there is none, or the current user cannot see it.
    """
    try:
        return page_rows.find(current_person(), hub, slug)
    except NotFound:
        page = page_addresses.moved(current_person(), hub, slug)
        if page is None:
            raise
    query = request.query_string.decode("latin-1")
    raise Moved(urls.hub_page(hub.kind, hub.name, page.slug) + (f"?{query}" if query else ""))


@blueprint.get("/<any(u, t):space>/<name>/json")
def as_json(space: str, name: str) -> Response:
    """Return a hub and its visible widgets as JSON."""
    hub = find_hub(space, name)
    return jsonify(
        id=hub.id,
        name=hub.name,
        kind=hub.kind,
        title=hub.title,
        summary=hub.summary,
        archived=hub.archived,
        version=hub.version,
        left_width=hub.left_width,
        picture_url=app_context().settings.site_url + urls.picture(hub.emblem) if hub.emblem else None,
        last_activity=hub.last_activity and hub.last_activity.isoformat(),
        url=app_context().settings.site_url + urls.hub(hub.kind, hub.name),
        widgets=[_describe(row) for row in visible_widgets(hub)],
    )


@blueprint.get("/<any(u, t):space>/<name>/stream")
def stream(space: str, name: str) -> Response:
    """Return a new token and cursor, and the current versions, for a page that lost its stream."""
    cursor = app_context().events.cursor()
    hub = find_hub(space, name)
    attributes = stream_of(hub, cursor)
    rows = visible_widgets(hub)
    fragments = app_context().fragments.read_many(rows, locale())
    # The page compares these with its own and loads only what differs.
    digests = {row.id: fragments[row.id].digest if row.id in fragments else "" for row in rows}
    renewed = {name: attributes[name] for name in ("token", "cursor", "channels")}
    response = jsonify(**renewed, version=hub.version, widgets=digests, presence=counts_presence(hub))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/<any(u, t):space>/<name>/fragments")
def fragments(space: str, name: str) -> Response:
    """Return widgets that a page lacks: of those that ``widget`` names the ones that are built by now.

    Compressed together they take half the bytes of single responses. The page requests the others again: a slow widget
    must not delay its neighbours.
    """
    wanted = set(request.args.getlist("widget", type=int))
    rows = [row for row in visible_widgets(find_hub(space, name)) if row.id in wanted]
    built = app_context().fragment_reader.read_many(rows, locale(), GRACE)
    return jsonify([fragment.public() for fragment in built.values()])


@blueprint.post("/<any(u, t):space>/<name>/<any(subscribe, unsubscribe, star, unstar, leave):act>")
def act(space: str, name: str, act: str) -> ResponseReturnValue:
    """Take or give up a role on a hub."""
    hub = find_hub(space, name)
    role, take = _ACTS[act]
    session, person = db(), current_person()
    if take:
        roles.take_role(session, person, hub, role)
    else:
        user = session.get(User, person.id)
        if user is None:
            raise NotAllowed(_("Please sign in first."))
        roles.drop_role(session, person, hub, user, role)
    session.commit()
    # Leaving cannot be undone by the person alone: an owner may have to approve again.
    undo = urls.hub_act(hub.kind, hub.name, _UNDO[act]) if act in _UNDO and can(person, "view", hub) else ""
    flash(_(_DONE[act]) % {"hub": hub.title}, undo or "message")
    back = urls.front() if request.form.get("back") == "home" else hub_page_url(hub, page=_acted_on(hub))
    return redirect(back, 303)


def _acted_on(hub: Hub) -> str:
    """Return the slug of the further page on which a form was, if the current user still sees it; else none."""
    slugs = [page.slug for page in page_rows.visible(current_person(), hub)]
    return next((slug for slug in slugs if slug == request.form.get("page")), "")


@blueprint.get("/<any(u, t):space>/<name>/<any(subscribe, star):act>")
def begin(space: str, name: str, act: str) -> ResponseReturnValue:
    """Lead a visitor who wants to take a role through sign-in; people who are signed in have a form for it."""
    hub = find_hub(space, name)
    if current_person().signed_in or not offers(current_person(), act, hub):
        return redirect(urls.hub(hub.kind, hub.name), 303)
    return redirect(intents.state(act, hub), 303)


class Owner(NamedTuple):
    """An owner whom people can ask for a change of the page."""

    username: str
    name: str


def banner_context(hub: Hub, viewer: Person | None = None) -> dict[str, Any]:
    """Return what the banner and the tabs of every page of a hub show to the current user.

    A ``viewer`` who may do the same stands in for them; only whether they asked to join is then read for them.
    """
    viewer = viewer or current_person()
    may = _may(hub, viewer)
    stars, waiting, is_pending = _counts(hub, current_person(), may["own"])
    may["pending"] = may["join"] and is_pending
    shown = {"may": may, "why": _why(hub, viewer), "stars": stars, "waiting": waiting, "has_asked": is_pending}
    return {**shown, "subpages": page_rows.visible(viewer, hub)}


def _shown_as(hub: Hub, subpage: Page | None, name: str) -> str:
    """Render a page of a hub for its owner as another kind of person sees it, without working forms and a stream."""
    require(current_person(), "own", hub)
    if name not in STAND_INS:
        raise InvalidInput(_("A hub can be viewed as a visitor, a stranger or a member."))
    viewer = stand_in(name, hub)
    sees = can(viewer, "view", subpage or hub)
    rows = [row for row in visible_widgets(hub, viewer) if row.page is subpage] if sees else []
    # Scripts would load missing fragments with the owner's permissions, so wait for them here.
    fragments = app_context().fragment_reader.read_many(rows, locale(), BUDGET)
    may, stars = _may(hub, viewer), _counts(hub, viewer, False)[0]
    page = {"hub": hub, "rows": rows, "fragments": fragments, "may": may, "stars": stars, "waiting": 0}
    page |= {"subpage": subpage, "subpages": page_rows.visible(viewer, hub)}
    return render_template("hub.html", **page, stream=None, seen_as=name, sees=sees)


def _may(hub: Hub, viewer: Person) -> dict[str, bool]:
    """Return which controls the page offers to a viewer, and which roles they have."""
    may = {verb: can(viewer, verb, hub) for verb in ("edit", "own")}
    may |= {verb: offers(viewer, verb, hub) for verb in ("subscribe", "star", "join")}
    roles_here = viewer.roles.get(hub.id, frozenset())
    return {
        **may,
        "subscribed": RoleName.SUBSCRIBER in roles_here,
        "starred": RoleName.STARGAZER in roles_here,
        "member": RoleName.MEMBER in roles_here,
        "pending": False,
    }


def _counts(hub: Hub, viewer: Person, for_owner: bool) -> tuple[int, int, bool]:
    """Return a hub's stars, for an owner its pending requests to join, and whether the viewer's own is pending."""
    row = db().execute(_counts_query(for_owner), {"hub_id": hub.id, "user_id": viewer.id}).one()
    return row[0], row[1], bool(row[2])


@cache
def _counts_query(for_owner: bool) -> Select[int, int, bool]:
    stars = select(func.count()).where(Role.hub_id == bindparam("hub_id"), Role.role == RoleName.STARGAZER)
    is_pending = (JoinRequest.hub_id == bindparam("hub_id"), JoinRequest.state == RequestState.PENDING)
    waiting = select(func.count()).where(*is_pending).scalar_subquery() if for_owner else literal(0)
    mine = exists().where(*is_pending, JoinRequest.user_id == bindparam("user_id"))
    return select(stars.scalar_subquery(), waiting, mine)


def _why(hub: Hub, person: Person) -> dict[str, Any] | None:
    """Return why a person cannot edit or join, and which owners to ask; None if they can edit."""
    if not person.signed_in or can(person, "edit", hub):
        return None
    rows = db().execute(_owners_query(), {"hub_id": hub.id, "user_id": person.id}).all()
    note_reads(db(), "user", (row.id for row in rows))
    owners = [Owner(row.username, row.fullname or row.username) for row in rows]
    return {"edit": refusal(person, hub), "join": closed(person, hub), "owners": owners}


@cache
def _owners_query() -> Select[int, str, str]:
    owning = select(Role.user_id).where(Role.hub_id == bindparam("hub_id"), Role.role == RoleName.OWNER)
    query = select(User.id, User.username, User.fullname).where(User.id.in_(owning), User.id != bindparam("user_id"))
    return query.order_by(User.username).limit(NAMED)


def _describe(row: Widget) -> dict[str, object]:
    return {
        "id": row.id,
        "type": row.plugin,
        "label": app_context().registry.title(row),
        "page": row.slug,
        "side": row.side,
        "width": row.width,
        "version": row.version,
        "url": app_context().settings.site_url + urls.widget(row.id),
    }
