"""Calls for help in the API: list the open ones, offer to help, withdraw that."""

from typing import Any

from marshmallow import Schema, fields

from hubs.actions.inbox import claims
from hubs.digest.tasks import Task, task, tasks
from hubs.errors import NotFound
from hubs.i18n import _
from hubs.views.api import schemas
from hubs.views.api.base import ApiBlueprint
from hubs.views.api.hubs import address
from hubs.views.api.paging import page
from hubs.views.web.context import current_person, db

blueprint = ApiBlueprint("Help wanted", __name__, "What people called for help with in meetings, and who works on it.")
_ONE = f"/help/<int(max={2**63 - 1}):number>"


class CallSchema(Schema):
    """A call for help."""

    id = fields.Integer(required=True)
    text = schemas.text()
    nick = schemas.text("The nick of the caller in the meeting.")
    meeting = schemas.text()
    link = schemas.text("The log of the meeting, or empty.")
    at = schemas.timestamp()
    hub = schemas.text("A team of a participant, in this API.", allow_none=True)
    claimed = fields.Boolean(required=True, metadata={"description": "Whether somebody works on it."})
    claimed_by = schemas.text("Their username, unless they hide their activity from you.", allow_none=True)


Calls = schemas.listed(CallSchema)


@blueprint.read("/help", Calls)
def open_calls() -> Any:
    """List the open calls for help of the last 30 days, your own hubs' first."""
    return page([_describe(call) for call in tasks(db(), current_person())], 0, None)


@blueprint.read(_ONE, CallSchema, 404)
def one_call(number: int) -> Any:
    """Return a call for help."""
    return _describe(_find(number))


@blueprint.write("PUT", f"{_ONE}/offer", 200, CallSchema, 404, 409)
def offer(number: int) -> Any:
    """Offer to help, or confirm that you still work on it."""
    claims.offer(db(), current_person(), number)
    db().commit()
    return _describe(_find(number))


@blueprint.write("DELETE", f"{_ONE}/offer", 204, None, 404)
def withdraw(number: int) -> Any:
    """Withdraw your offer."""
    claims.withdraw(db(), current_person(), number)
    db().commit()


def _find(number: int) -> Task:
    call = task(db(), current_person(), number)
    if call is None:
        raise NotFound(_("There is no such call for help, or you may not see it."))
    return call


def _describe(call: Task) -> dict[str, Any]:
    request, claim = call.request, call.claim
    return {
        "id": request.key,
        "text": request.line,
        "nick": request.nick,
        "meeting": request.meeting or request.channel,
        "link": request.link,
        "at": request.when,
        "hub": address(call.hub) if call.hub else None,
        "claimed": claim is not None,
        "claimed_by": claim.username or None if claim else None,
    }
