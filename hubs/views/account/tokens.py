"""Personal API tokens: listed, created and revoked."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions.people import tokens
from hubs.errors import Conflict, InvalidInput
from hubs.i18n import _
from hubs.views.account.settings import myself
from hubs.views.web.context import current_person, db

blueprint = Blueprint("tokens", __name__, url_prefix="/me/tokens")


@blueprint.get("")
def show() -> str:
    """Show the current user's tokens, and the form that creates one."""
    myself()
    return _page()


@blueprint.post("")
def create() -> ResponseReturnValue:
    """Create a token and show its text, which is not stored."""
    myself()
    form = request.form
    days = form.get("days", 0, type=int)
    try:
        _token, text = tokens.create(db(), current_person(), form.get("name", ""), days, form.get("scope", ""))
        db().commit()
    except (Conflict, InvalidInput) as error:
        wrong = error.fields if isinstance(error, InvalidInput) else {}
        return _page(wrong=wrong, problem=str(error), typed=form), error.status
    return _page(text=text), {"Cache-Control": "no-store"}


@blueprint.post("/<int:number>/revoke")
def revoke(number: int) -> ResponseReturnValue:
    """Revoke a token."""
    myself()
    tokens.revoke(db(), current_person(), number)
    db().commit()
    flash(_("The token has been revoked."))
    return redirect(urls.my_tokens(), 303)


def _page(**shown: Any) -> str:
    values = {"text": "", "wrong": {}, "problem": "", "typed": {}, **shown}
    return render_template("tokens.html", tokens=tokens.mine(db(), current_person()), **values)
