"""A call for help: who works on it, offering to help, and withdrawing that."""

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions.inbox import claims
from hubs.digest.tasks import task
from hubs.errors import InvalidInput, NotFound
from hubs.i18n import _
from hubs.views.account import intents
from hubs.views.account.settings import myself
from hubs.views.web.context import current_person, db

blueprint = Blueprint("help", __name__)

#: Largest id of a message.
_LARGEST = 2**63 - 1


@blueprint.get(f"/help/<int(max={_LARGEST}):number>")
def show(number: int) -> str:
    """Show a call for help."""
    wanted = task(db(), current_person(), number)
    if wanted is None:
        raise NotFound(_("There is no such call for help, or you may not see it."))
    return render_template("home/help.html", task=wanted)


@blueprint.post(f"/help/<int(max={_LARGEST}):number>")
def act(number: int) -> ResponseReturnValue:
    """Offer to help, confirm that, or withdraw it; visitors sign in first."""
    if not current_person().signed_in and "act" in request.form:
        show(number)  # hidden and nonexistent calls answer alike
        return redirect(intents.state_help(number), 303)
    myself()
    text = _act(number, request.form.get("act", ""))
    db().commit()
    flash(text)
    return redirect(urls.front() if request.form.get("back") == "home" else urls.help_wanted(number), 303)


def _act(number: int, act: str) -> str:
    if act == "offer":
        claims.offer(db(), current_person(), number)
        return _("You are working on this now. Whoever asked for help has been told.")
    if act == "withdraw":
        claims.withdraw(db(), current_person(), number)
        return _("Your offer is withdrawn. Others can help now.")
    raise InvalidInput(_("Please choose what to do."))
