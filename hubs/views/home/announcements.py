"""Announcements: the pages on which owners and administrators publish them, and dismissing one."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from hubs import urls
from hubs.actions.people import announcements
from hubs.errors import HubsError, InvalidInput, NotAllowed
from hubs.i18n import N_, _
from hubs.models import Hub
from hubs.parameters.declaration import Parameter
from hubs.permissions import visible
from hubs.views.account.settings import myself
from hubs.views.web import forms
from hubs.views.web.context import current_person, db, find_hub, local_path

blueprint = Blueprint("announcements", __name__)

#: Administrators choose teams.
_TEAMS = Parameter("teams", label=N_("Teams"), default="", help=N_("Such as docs, design. Empty: everyone."))


@blueprint.get("/<any(u, t):space>/<name>/announcements")
def of_hub(space: str, name: str) -> str:
    """Show a hub's announcements, and the form for a new one."""
    return _page(find_hub(space, name, "edit"), {}, {})


@blueprint.post("/<any(u, t):space>/<name>/announcements")
def publish_on_hub(space: str, name: str) -> ResponseReturnValue:
    """Publish an announcement to the members of a hub."""
    hub = find_hub(space, name, "edit")
    return _publish(hub, [hub], urls.hub_announcements(hub.kind, hub.name))


@blueprint.get("/announcements")
def everywhere() -> str:
    """Show all announcements, and the form for a new one."""
    _require_admin()
    return _page(None, {}, {})


@blueprint.post("/announcements")
def publish_everywhere() -> ResponseReturnValue:
    """Publish an announcement to everyone, or to the members of the chosen teams."""
    _require_admin()
    names = [name for name in request.form.get("teams", "").replace(",", " ").split() if name]
    query = select(Hub).where(Hub.kind != "user", Hub.name.in_(names), visible(current_person()))
    hubs = list(db().scalars(query.order_by(Hub.name)))
    unknown = sorted(set(names) - {hub.name for hub in hubs})
    if unknown:
        text = _("There is no such team: %(names)s.") % {"names": ", ".join(unknown)}
        return _page(None, forms.read(_fields(None), request.form), {"teams": text}), 400
    return _publish(None, hubs, urls.announcements())


@blueprint.post("/announcements/<int:number>/withdraw")
def withdraw(number: int) -> ResponseReturnValue:
    """Withdraw an announcement."""
    myself()
    announcements.withdraw(db(), current_person(), number)
    db().commit()
    flash(_("The announcement has been withdrawn."))
    return redirect(local_path(request.form.get("back", "")), 303)


@blueprint.post("/announcements/<int:number>/dismiss")
def dismiss(number: int) -> ResponseReturnValue:
    """Hide an announcement from the current user."""
    myself()
    announcements.dismiss(db(), current_person(), number)
    db().commit()
    return redirect(local_path(request.form.get("back", "")), 303)


def _publish(hub: Hub | None, hubs: Sequence[Hub], back: str) -> ResponseReturnValue:
    values = forms.read(_fields(hub), request.form)
    try:
        announcements.publish(db(), current_person(), values, hubs, _zone())
    except HubsError as error:
        db().rollback()
        wrong = error.fields if isinstance(error, InvalidInput) else {"title": str(error)}
        return _page(hub, values, wrong), error.status
    db().commit()
    flash(_("The announcement is published."))
    return redirect(back, 303)


def _page(hub: Hub | None, values: Mapping[str, Any], wrong: Mapping[str, str]) -> str:
    form = forms.Form(_fields(hub), values, wrong)
    rows = announcements.published(db(), hub)
    back = urls.hub_announcements(hub.kind, hub.name) if hub else urls.announcements()
    return render_template("home/announcements.html", hub=hub, form=form, rows=rows, back=back)


def _fields(hub: Hub | None) -> Sequence[Parameter]:
    return announcements.FIELDS if hub else (*announcements.FIELDS, _TEAMS)


def _zone() -> ZoneInfo:
    try:
        return ZoneInfo(myself().timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _require_admin() -> None:
    if not current_person().admin:
        raise NotAllowed(
            _("Only administrators can announce something to everyone.")
            if current_person().signed_in
            else _("Please sign in first.")
        )
