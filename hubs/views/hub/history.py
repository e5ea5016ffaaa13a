"""A hub's revisions, restoring one of them, and the audit log."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs.actions import audit
from hubs.actions.layout import revisions, sentences, values
from hubs.actions.layout.values import Piece
from hubs.actions.people import roles
from hubs.activities.sentences import Part
from hubs.errors import InvalidInput, NotAllowed
from hubs.i18n import N_, _
from hubs.models import AuditEntry, Hub, RoleName
from hubs.models.hub_fields import HUB_FIELDS
from hubs.parameters.declaration import Parameter
from hubs.views.hub import audit_sentences
from hubs.views.web.context import app_context, current_person, db, find_hub, hub_page_url
from hubs.views.web.converters import row_number

blueprint = Blueprint("history", __name__)

#: Most changes that are listed of one revision.
SHOWN = 40
_ROLES = Parameter(
    "role",
    label=N_("Role"),
    kind="choice",
    choices=[
        (RoleName.OWNER.value, N_("Owner")),
        (RoleName.MEMBER.value, N_("Member")),
        (RoleName.SUBSCRIBER.value, N_("Subscriber")),
        (RoleName.STARGAZER.value, N_("Stargazer")),
    ],
)
#: Values that entries of the audit log record.
_VALUES: Mapping[str, Parameter] = {
    **{field.name: field for field in HUB_FIELDS},
    "name": Parameter("name", label=N_("URL name")),
    "role": _ROLES,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the audit log as the page shows it, with the recorded values by the label of their field."""

    row: AuditEntry
    parts: list[Part]
    changes: list[tuple[str, list[Piece]]]


@blueprint.get("/<any(u, t):space>/<name>/history")
def history(space: str, name: str) -> str:
    """Show a hub's revisions with their changes."""
    hub = find_hub(space, name, "own")
    rows = revisions.newest_first(db(), hub)
    accounts = roles.display_names(db(), {revision.agent for revision, _changes in rows})
    registry = app_context().registry
    described = [
        (
            revision,
            sentences.describe(changes[:SHOWN], registry, revision.agent, accounts),
            max(0, len(changes) - SHOWN),
        )
        for revision, changes in rows
    ]
    return render_template("history.html", hub=hub, revisions=described, accounts=accounts)


@blueprint.post("/<any(u, t):space>/<name>/history")
def restore(space: str, name: str) -> ResponseReturnValue:
    """Restore an older revision."""
    # Owners may read the history of an archived hub, but not change the hub.
    hub = find_hub(space, name, "edit")
    number = request.form.get("number", type=row_number)
    if number is None:
        raise InvalidInput(_("Please choose a revision."))
    changed = revisions.restore(db(), app_context().registry, current_person(), hub, number)
    db().commit()
    flash(_("The page has been restored.") if changed else _("The page already looks like this."))
    return redirect(hub_page_url(hub), 303)


@blueprint.get("/<any(u, t):space>/<name>/audit")
def hub_log(space: str, name: str) -> str:
    """Show the audit log of a hub."""
    hub = find_hub(space, name, "own")
    return _audit_page(hub)


@blueprint.get("/audit")
def log() -> str:
    """Show the audit log of the whole instance."""
    if not current_person().admin:
        raise NotAllowed(_("Only administrators can see the whole audit log."))
    return _audit_page(None)


def _audit_page(hub: Hub | None) -> str:
    rows, older = audit.newest_first(db(), hub, before=request.args.get("before", type=row_number))
    accounts = roles.display_names(db(), audit_sentences.people(rows))
    entries = [Entry(row, audit_sentences.describe(row, accounts), _changes(row)) for row in rows]
    return render_template("audit.html", hub=hub, entries=entries, older=older)


def _changes(row: AuditEntry) -> list[tuple[str, list[Piece]]]:
    return [
        (_(_VALUES[name].label), values.pieces(*(values.text_of(_VALUES[name], value) for value in pair)))
        for name, *pair in audit_sentences.changes(row)
        if name in _VALUES
    ]
