"""The Activity tab: a hub's whole stream by kind, person and time, in pages that new messages do not shift."""

from datetime import UTC, date, datetime, time
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from hubs.actions.people import stream
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.views.hub.page import banner_context
from hubs.views.web.context import current_person, db, find_hub
from hubs.widgets.feed import kinds
from hubs.widgets.feed.cards import Narrowing, read
from hubs.widgets.feed.groups import by_day, grouped
from hubs.widgets.feed.scope import visible_scope
from hubs.widgets.shared.messages import EVER

blueprint = Blueprint("hub_activity", __name__, url_prefix="/<any(u, t):space>/<name>")

PER_PAGE = 30
#: Longest name of an account.
_LONGEST = 64


@blueprint.get("/activity")
def show(space: str, name: str) -> ResponseReturnValue:
    """Show a page of a hub's stream, narrowed by ``kind``, ``person`` and ``since``."""
    hub = find_hub(space, name)
    scope = visible_scope(current_person(), hub)
    typed = {name: request.args.get(name, "").strip() for name in ("kind", "person", "since")}
    shown: dict[str, Any] = {"typed": typed, "kinds": kinds.KINDS, "lines": (), "before": "", "problem": ""}
    status = 200
    try:
        narrowed = _narrowing(**typed)
    except InvalidInput as error:
        shown["problem"], status = str(error), error.status
    else:
        items = read(db(), scope, PER_PAGE + 1, (), before=_before(), narrowed=narrowed)
        last = items[PER_PAGE - 1] if len(items) > PER_PAGE else None
        shown["before"] = stream.cursor(last.received_at, last.id) if last else ""
        shown["lines"] = list(by_day(grouped(items[:PER_PAGE])))
    page = render_template("hub-activity.html", hub=hub, you=current_person().username, **shown, **banner_context(hub))
    return page, status


def _narrowing(kind: str, person: str, since: str) -> Narrowing:
    if kind and kind not in kinds.KINDS:
        raise InvalidInput(_("Please choose a kind of activity from the list."))
    if len(person) > _LONGEST:
        raise InvalidInput(_("Please write the name of an account."))
    try:
        start = datetime.combine(date.fromisoformat(since), time(), UTC) if since else EVER
    except ValueError:
        raise InvalidInput(_("Please write a day such as 2026-11-01.")) from None
    return Narrowing(kinds.categories(kind) if kind else (), person.removeprefix("@").lower(), start)


def _before() -> tuple[datetime, int] | None:
    text = request.args.get("before", "")
    try:
        return stream.position(text) if text else None
    except InvalidInput:
        raise InvalidInput(_("There is no such page.")) from None
