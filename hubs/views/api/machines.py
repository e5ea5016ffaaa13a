"""The door for machines that fill a widget: a token of that widget instead of a person's, and no session."""

from typing import Any

from flask import Response, jsonify, request

from hubs.actions import push
from hubs.errors import NotFound, TooLarge, Unauthorized
from hubs.i18n import _
from hubs.models import PushContent, PushToken
from hubs.views.api import schemas
from hubs.views.api.base import LARGEST, ApiBlueprint, F, sent
from hubs.views.web.context import app_context, db
from hubs.views.web.rate_limits import place_of
from hubs.widgets.jsonschema import settings_schema
from hubs.widgets.push import CONTENT

#: Largest content in bytes.
LIMIT = 64_000
ONE = f"/push/<int(max={LARGEST}):number>"
_BODY = {"required": True, "content": {"application/json": {"schema": settings_schema(CONTENT)}}}


class MachineRoom(ApiBlueprint):
    """Resources that know bearer tokens of their own and never a cookie, so that they need no token of forms."""

    ways = ({"machine": []},)

    def guard(self) -> None:
        """Leave it to the views: each looks at its own token."""

    def told(self, view: F) -> F:
        """Say in the document who may come in."""
        return self.doc(security=list(self.ways))(view)  # type: ignore[no-any-return]


room = MachineRoom("Machines", __name__, "What a build server, a monitor or a script puts into its widget.")


@room.get_one(ONE, schemas.Pushed, 403, 404)
@room.told
def pushed_content(number: int) -> Response:
    """Return what was last put into the widget.

    Send a token of the widget along (`Authorization: Bearer hubs_push_…`); its owners make one on its settings page.
    """
    _enter(number)
    db().commit()
    found = push.read(db(), number)
    if found is None:
        raise NotFound(_("Nothing was put into this widget yet."))
    return _answer(found, {"content": found.content, "pushed_at": found.pushed_at.isoformat()})


@room.act("PUT", ONE, 200, schemas.Put, 404, 413, match=True)
@room.doc(requestBody=_BODY)
def put_content(number: int) -> Response:
    """Put content into the widget; the same content again changes nothing and tells nobody.

    Send a token of the widget along (`Authorization: Bearer hubs_push_…`); its owners make one on its settings page.
    """
    token = _enter(number)
    expected = frozenset(request.if_match.as_set(include_weak=True)) if request.if_match else None
    if request.if_match.star_tag:
        expected = None if push.read(db(), number) else frozenset()
    changed = push.put(db(), token, _content(), expected)
    db().commit()
    return _answer(push.read(db(), number), {"widget": number, "changed": changed})


def _enter(number: int) -> PushToken:
    """Check the token and its rate."""
    scheme, _blank, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise Unauthorized(_("Send the token along: Authorization: Bearer hubs_push_…"))
    try:
        token = push.find_token(db(), text.strip(), number)
    except Unauthorized:
        app_context().push_limiter.take("push", place_of(request.remote_addr or ""))  # who guesses is slowed down
        raise
    app_context().push_limiter.take("push", str(token.id))
    return token


def _content() -> dict[str, Any]:
    if request.content_length is None or request.content_length > LIMIT:
        raise TooLarge(_("Send at most %(limit)s bytes, and say how many in Content-Length.") % {"limit": LIMIT})
    return sent(request)


def _answer(found: PushContent | None, body: dict[str, Any]) -> Response:
    answer = jsonify(body)
    answer.headers["Cache-Control"] = "no-store"
    if found is not None:
        answer.set_etag(found.digest)
        if request.method == "GET":
            answer.make_conditional(request)
    return answer
