"""Tokens of widgets with external content, which arrives at `hubs.views.api.machines`."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions import push
from hubs.actions.widgets import installed
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import Widget
from hubs.views.web.context import app_context, current_person, db, find_widget

blueprint = Blueprint("push_tokens", __name__)


@blueprint.post("/w/<int:widget_id>/tokens")
def create(widget_id: int) -> ResponseReturnValue:
    """Create a token and show its text, which is not stored."""
    row = find_widget(widget_id, "edit")
    try:
        days = request.form.get("days", 0, type=int)
        token, text = push.create_token(db(), current_person(), row, request.form.get("name", ""), days)
        db().commit()
    except InvalidInput as error:
        return _page(row, wrong=error.fields, problem=str(error)), 400
    # The page contains the token's text, which must not stay in a cache.
    return _page(row, token=token, text=text), {"Cache-Control": "no-store"}


@blueprint.post("/w/<int:widget_id>/tokens/<int:token>/revoke")
def revoke(widget_id: int, token: int) -> ResponseReturnValue:
    """Revoke a token."""
    row = find_widget(widget_id, "edit")
    push.revoke_token(db(), current_person(), row, token)
    db().commit()
    flash(_("The token has been revoked."))
    return redirect(urls.widget_settings(widget_id) + "#tokens", 303)


def _page(row: Widget, **shown: Any) -> str:
    values = {"token": None, "text": "", "wrong": {}, "problem": "", **shown}
    widget_type, tokens = installed(app_context().registry, row.plugin), push.tokens(db(), current_person(), row)
    return render_template("push-tokens.html", hub=row.hub, row=row, type=widget_type, tokens=tokens, **values)
