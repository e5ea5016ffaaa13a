"""A hub's page, its JSON, and what people do on it."""

from typing import Any

from flask import Blueprint, Response, flash, g, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from hubs import urls
from hubs.actions.people import notifications, roles
from hubs.errors import InvalidInput, NotAllowed
from hubs.i18n import _
from hubs.models import Hub, JoinRequest, RequestState, Role, RoleName, User, Widget
from hubs.permissions import STAND_INS, Person, can, closed, refusal, require, stand_in
from hubs.views.page_cache import render
from hubs.views.web.context import (
    app_context,
    bar,
    current_person,
    db,
    find_hub,
    hub_page_url,
    locale,
    stream_of,
    visible_widgets,
)

blueprint = Blueprint("hub", __name__)

#: Seconds for which a page without JavaScript waits for what is being built; the rest is a link to the widget alone.
BUDGET = 3.0
#: Owners named, at most, to those who cannot edit a page.
NAMED = 5
_ACTS = {
    "subscribe": (RoleName.SUBSCRIBER, True),
    "unsubscribe": (RoleName.SUBSCRIBER, False),
    "star": (RoleName.STARGAZER, True),
    "unstar": (RoleName.STARGAZER, False),
    "leave": (RoleName.MEMBER, False),
}


@blueprint.get("/<any(u, t):space>/<name>/")
def show(space: str, name: str) -> ResponseReturnValue:
    """Show a hub: cached fragments are in the page, the others load by themselves."""
    # The cursor comes first: what is pushed from here on reaches the page even while it is made.
    cursor = app_context().events.cursor()
    hub = find_hub(space, name)
    if "as" in request.args:
        return _shown_as(hub, request.args["as"])
    if bar().dot(hub):  # what concerns them here, they have seen now
        notifications.look(db(), current_person(), hub)
        db().commit()
        g.pop("bar")
    rows = visible_widgets(hub)
    if "full" in request.args:  # without JavaScript nothing loads by itself
        found = app_context().fragment_reader.read_many(rows, locale(), BUDGET)
    else:
        found = app_context().fragments.read_many(rows, locale())
    return render.page(hub, rows, found, cursor, may=_may(hub, current_person()), why=_why(hub))


@blueprint.get("/<any(u, t):space>/<name>/json")
def as_json(space: str, name: str) -> Response:
    """Return a hub and its widgets as JSON."""
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
        last_activity=hub.last_activity and hub.last_activity.isoformat(),
        url=app_context().settings.site_url + urls.hub(hub.kind, hub.name),
        widgets=[_describe(row) for row in visible_widgets(hub)],
    )


@blueprint.get("/<any(u, t):space>/<name>/stream")
def stream(space: str, name: str) -> Response:
    """Return a new token and cursor, and the versions of what is on the hub, for a page that lost its stream."""
    cursor = app_context().events.cursor()
    hub = find_hub(space, name)
    fresh = stream_of(hub, cursor)
    rows = visible_widgets(hub)
    found = app_context().fragments.read_many(rows, locale())
    widgets = {row.id: found[row.id].digest if row.id in found else "" for row in rows}
    told = {name: fresh[name] for name in ("token", "cursor", "channels")}
    answer = jsonify(**told, version=hub.version, widgets=widgets)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/<any(u, t):space>/<name>/<any(subscribe, unsubscribe, star, unstar, leave):act>")
def act(space: str, name: str, act: str) -> ResponseReturnValue:
    """Take or give up a role on a hub."""
    hub = find_hub(space, name)
    role, take = _ACTS[act]
    session, who = db(), current_person()
    if take:
        roles.take_role(session, who, hub, role)
    else:
        user = session.get(User, who.id)
        if user is None:
            raise NotAllowed(_("Please sign in first."))
        roles.drop_role(session, who, hub, user, role)
    session.commit()
    flash(_("Done.") if take else _("Done; you can come back any time."))
    return redirect(hub_page_url(hub), 303)


def _shown_as(hub: Hub, name: str) -> str:
    """Show a hub to its owner as somebody else sees it; nothing on the page acts, and nothing is pushed to it."""
    require(current_person(), "own", hub)
    if name not in STAND_INS:
        raise InvalidInput(_("A hub can be viewed as a visitor, a stranger or a member."))
    who = stand_in(name, hub)
    rows = visible_widgets(hub, who) if can(who, "view", hub) else []
    found = app_context().fragment_reader.read_many(rows, locale(), BUDGET)
    may = {**_may(hub, who), "pending": False}
    page = {"hub": hub, "rows": rows, "fragments": found, "may": may}
    return render_template("hub.html", **page, stream=None, seen_as=name, sees=can(who, "view", hub))


def _may(hub: Hub, who: Person) -> dict[str, bool]:
    """Return what the page offers to somebody."""
    may = {verb: can(who, verb, hub) for verb in ("edit", "own", "subscribe", "star", "join")}
    held = who.roles.get(hub.id, frozenset())
    return {
        **may,
        "subscribed": RoleName.SUBSCRIBER in held,
        "starred": RoleName.STARGAZER in held,
        "member": RoleName.MEMBER in held,
        "pending": may["join"] and who.id > 0 and _waits(hub),
    }


def _why(hub: Hub) -> dict[str, Any] | None:
    """Return why the current user cannot edit or join, and which owners to ask; None if they can edit."""
    who = current_person()
    if not who.signed_in or can(who, "edit", hub):
        return None
    owning = select(Role.user_id).where(Role.hub_id == hub.id, Role.role == RoleName.OWNER)
    others = select(User).where(User.id.in_(owning), User.id != who.id).order_by(User.username).limit(NAMED)
    return {"edit": refusal(who, hub), "join": closed(who, hub), "owners": list(db().scalars(others))}


def _waits(hub: Hub) -> bool:
    """Return whether the current user has a pending request to join."""
    request = db().get(JoinRequest, (hub.id, current_person().id))
    return request is not None and request.state == RequestState.PENDING


def _describe(row: Widget) -> dict[str, object]:
    return {
        "id": row.id,
        "type": row.plugin,
        "label": app_context().registry.title(row),
        "side": row.side,
        "version": row.version,
        "url": app_context().settings.site_url + urls.widget(row.id),
    }
