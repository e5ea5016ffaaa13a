"""External content of push widgets: authenticated by a token of the widget, never by a person's token or a session."""

from typing import Any

from flask import Response, jsonify, request

from hubs.actions import push
from hubs.errors import NotFound, TooLarge, Unauthorized
from hubs.i18n import _
from hubs.models import PushContent, PushToken
from hubs.views.api import schemas
from hubs.views.api.base import LARGEST, ApiBlueprint, F, json_object
from hubs.views.web.context import app_context, db
from hubs.views.web.rate_limits import address_key
from hubs.widgets.jsonschema import settings_schema
from hubs.widgets.push import CONTENT

#: Maximum size of the content in bytes.
LIMIT = 64_000
ONE = f"/push/<int(max={LARGEST}):number>"
_BODY = {"required": True, "content": {"application/json": {"schema": settings_schema(CONTENT)}}}


class PushBlueprint(ApiBlueprint):
    """Resources with bearer tokens of their own. Cookies are ignored, so they need no CSRF token."""

    security_schemes = ({"machine": []},)

    def register_hooks(self) -> None:
        """Add no hooks: each view checks the token of its widget."""

    def documented(self, view: F) -> F:
        """Document that a view needs a token of the widget."""
        return self.doc(security=list(self.security_schemes))(view)  # type: ignore[no-any-return]


blueprint = PushBlueprint("Machines", __name__, "Content that a build server, monitor or script puts into its widget.")


@blueprint.read(ONE, schemas.Pushed, 403, 404)
@blueprint.documented
def pushed_content(number: int) -> Response:
    """Return the current content of the widget.

    Send a token of the widget (`Authorization: Bearer hubs_push_…`); owners create one on its settings page.
    """
    _authenticate(number)
    db().commit()
    stored = push.read(db(), number)
    if stored is None:
        raise NotFound(_("This widget has no content yet."))
    return _answer(stored, {"content": stored.content, "pushed_at": stored.pushed_at.isoformat()})


@blueprint.write("PUT", ONE, 200, schemas.Put, 404, 413, match=True)
@blueprint.doc(requestBody=_BODY)
def put_content(number: int) -> Response:
    """Put content into the widget; sending the same content again changes nothing and notifies nobody.

    Send a token of the widget (`Authorization: Bearer hubs_push_…`); owners create one on its settings page.
    """
    token = _authenticate(number)
    expected = frozenset(request.if_match.as_set(include_weak=True)) if request.if_match else None
    if request.if_match.star_tag:
        expected = None if push.read(db(), number) else frozenset()
    changed = push.put(db(), token, _content(), expected)
    db().commit()
    return _answer(push.read(db(), number), {"widget": number, "changed": changed})


def _authenticate(number: int) -> PushToken:
    """Check the token of the request and its rate limit."""
    scheme, _blank, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise Unauthorized(_("Send the token as: Authorization: Bearer hubs_push_…"))
    try:
        token = push.find_token(db(), text.strip(), number)
    except Unauthorized:
        app_context().push_limiter.take("push", address_key(request.remote_addr or ""))  # slows down guessing
        raise
    app_context().push_limiter.take("push", str(token.id))
    return token


def _content() -> dict[str, Any]:
    if request.content_length is None or request.content_length > LIMIT:
        raise TooLarge(_("Send at most %(limit)s bytes, with their number in Content-Length.") % {"limit": LIMIT})
    return json_object(request)


def _answer(stored: PushContent | None, body: dict[str, Any]) -> Response:
    answer = jsonify(body)
    answer.headers["Cache-Control"] = "no-store"
    if stored is not None:
        answer.set_etag(stored.digest)
        if request.method == "GET":
            answer.make_conditional(request)
    return answer
