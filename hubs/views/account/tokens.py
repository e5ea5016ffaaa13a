"""A person's own tokens: created, listed and revoked with plain forms."""

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
    """Show a person's own tokens, and the form that creates one."""
    myself()
    return _page()


@blueprint.post("")
def create() -> ResponseReturnValue:
    """Create a token and show it this once."""
    myself()
    typed = request.form
    days = typed.get("days", 0, type=int)
    try:
        _token, text = tokens.create(db(), current_person(), typed.get("name", ""), days, typed.get("scope", ""))
        db().commit()
    except (Conflict, InvalidInput) as error:
        wrong = error.fields if isinstance(error, InvalidInput) else {}
        return _page(wrong=wrong, problem=str(error), typed=typed), error.status
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
