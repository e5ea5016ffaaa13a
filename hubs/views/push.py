"""The door for machines that fill a widget: a bearer token instead of a session, JSON instead of pages."""

from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions import push
from hubs.errors import InvalidInput, NotFound, TooLarge, Unauthorized
from hubs.i18n import _
from hubs.models import PushContent, PushToken, Widget
from hubs.views.site import db, find_widget, me, site

#: Only bearer tokens count here and never a cookie, so this blueprint needs no CSRF token.
machines = Blueprint("push", __name__, url_prefix="/api/v1/push")
blueprint = Blueprint("push_tokens", __name__)

#: Largest content in bytes.
LIMIT = 64_000


@machines.get("/<int:number>")
def show(number: int) -> Response:
    """Return what was last put into the widget, with its ETag."""
    _enter(number)
    db().commit()
    found = push.read(db(), number)
    if found is None:
        raise NotFound(_("Nothing was put into this widget yet."))
    return _answer(found, {"content": found.content, "pushed_at": found.pushed_at.isoformat()})


@machines.put("/<int:number>")
def put(number: int) -> Response:
    """Put content into the widget; the same content again changes nothing and tells nobody."""
    token = _enter(number)
    expected = frozenset(request.if_match.as_set()) if request.if_match else None
    if request.if_match.star_tag:
        expected = None if push.read(db(), number) else frozenset()
    changed = push.put(db(), token, _content(), expected)
    db().commit()
    return _answer(push.read(db(), number), {"widget": number, "changed": changed})


@blueprint.post("/w/<int:number>/tokens")
def create(number: int) -> ResponseReturnValue:
    """Make a token and show it, this once."""
    row = find_widget(number, "edit")
    try:
        days = request.form.get("days", 0, type=int)
        token, text = push.create_token(db(), me(), row, request.form.get("name", ""), days)
        db().commit()
    except InvalidInput as error:
        return _page(row, wrong=error.fields, problem=str(error)), 400
    return _page(row, token=token, text=text), {"Cache-Control": "no-store"}


@blueprint.post("/w/<int:number>/tokens/<int:token>/revoke")
def revoke(number: int, token: int) -> ResponseReturnValue:
    """End a token."""
    row = find_widget(number, "edit")
    push.revoke_token(db(), me(), row, token)
    db().commit()
    flash(_("The token is revoked."))
    return redirect(urls.widget_settings(number) + "#tokens", 303)


def _enter(number: int) -> PushToken:
    """Check the token and its rate."""
    scheme, _blank, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise Unauthorized(_("Send the token along: Authorization: Bearer hubs_push_…"))
    token = push.find_token(db(), text.strip(), number)
    site().limiter.take("push", str(token.id))
    return token


def _content() -> dict[str, Any]:
    if request.content_length is None or request.content_length > LIMIT:
        raise TooLarge(_("Send at most %(limit)s bytes, and say how many in Content-Length.") % {"limit": LIMIT})
    if not request.is_json:
        raise InvalidInput(_("Send JSON, with the header Content-Type: application/json."))
    try:
        found = request.get_json(silent=True)
    except RecursionError:
        found = None
    if not isinstance(found, dict):
        raise InvalidInput(_('This is no JSON object. Send for example {"title": "All builds are good"}.'))
    return found


def _answer(found: PushContent | None, body: dict[str, Any]) -> Response:
    answer = jsonify(body)
    answer.headers["Cache-Control"] = "no-store"
    if found is not None:
        answer.set_etag(found.digest)
        if request.method == "GET":
            answer.make_conditional(request)
    return answer


def _page(row: Widget, **shown: Any) -> str:
    values = {"token": None, "text": "", "wrong": {}, "problem": "", **shown}
    return render_template("push-tokens.html", hub=row.hub, row=row, tokens=push.tokens(db(), me(), row), **values)
