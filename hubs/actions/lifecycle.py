"""Renames and deletes hubs. A deleted hub can be restored for some days."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hubs.actions import hubs, outbox, own_messages
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import FormerName, Hub, Role, RoleName, User, Visibility, now
from hubs.permissions import Person, require

#: How long a deleted hub can be restored.
GRACE = timedelta(days=30)
#: Most former names that are kept for a hub, the newest ones.
FORMER = 20
#: Most hubs that are removed for good in one transaction.
AT_ONCE = 100


def rename(session: Session, person: Person, hub: Hub, name: str) -> bool:
    """Rename a hub; its old address redirects to the new one. Return whether the name changed.

    :raises InvalidInput: for a name that cannot be used.
    :raises Conflict: when the name is taken.
    """
    require(person, "edit", hub)
    name, old_name = name.strip(), hub.name
    if hub.kind == "user":
        raise InvalidInput(_("A person's hub has the name of its person."))
    hubs.check_name(name)
    if name == old_name:
        return False
    if hubs.similar(session, hub.kind, name, besides=hub) is not None:
        raise hubs.taken(name)
    # Redirects from the new name would hide this hub, and those from its old name are replaced.
    session.execute(delete(FormerName).where(FormerName.space == "t", FormerName.name.in_((name, old_name))))
    session.add(FormerName(space="t", name=old_name, hub_id=hub.id))
    hub.name = name
    hub.touch()
    hubs.write_name(session, hub.kind, name)
    names = select(FormerName.name).where(FormerName.hub_id == hub.id).order_by(FormerName.since.desc())
    oldest = session.scalars(names.offset(FORMER)).all()
    session.execute(delete(FormerName).where(FormerName.space == "t", FormerName.name.in_(oldest)))
    body = outbox.about_hub(session, hub, person.username, changed_keys=["name"])
    outbox.record(session, "hubs.hub.updated", body, hub, detail={"values": {"name": [old_name, name]}})
    return True


def discard(session: Session, person: Person, hub: Hub) -> datetime:
    """Delete a hub: it becomes invisible, and keeps its name. Return until when it can be restored.

    :raises InvalidInput: for a person's own hub, which goes with the account.
    """
    require(person, "own", hub)
    if hub.kind == "user":
        raise InvalidInput(_("A person's hub goes with the account: delete that on the page “My account”."))
    if hub.deleted_on is None:
        # Lists and feeds select by visibility, so the narrowest one removes the hub from all of them.
        hub.visibility_before, hub.visibility = hub.visibility, Visibility.OWNERS
        hub.deleted_on = now()
        _tell(session, person, hub, "deleted")
    return hub.deleted_on + GRACE


def bring_back(session: Session, person: Person, hub: Hub) -> None:
    """Undo the deletion of a hub.

    An admin becomes the owner of a hub whose owners have all deleted their accounts.
    """
    require(person, "restore", hub)
    # If the former visibility is unknown, the narrowest one reveals nothing.
    hub.visibility = Visibility(hub.visibility_before or Visibility.OWNERS)
    hub.deleted_on = hub.visibility_before = None
    if not hub.people(RoleName.OWNER) and person.signed_in:
        hub.roles.append(Role(user=session.get_one(User, person.id), role=RoleName.OWNER))
    _tell(session, person, hub, "restored")


def discarded(session: Session, person: Person) -> list[tuple[Hub, datetime]]:
    """Return the deleted hubs that a person may restore, each with its deadline, the earliest first."""
    query = select(Hub).where(Hub.deleted_on.is_not(None)).order_by(Hub.deleted_on).limit(500)
    if not (person.admin or person.operator):
        query = query.where(
            Hub.id.in_([hub for hub, role_names in person.roles.items() if RoleName.OWNER in role_names])
        )
    return [(hub, hub.deleted_on + GRACE) for hub in session.scalars(query) if hub.deleted_on is not None]


def purge(session: Session) -> int:
    """Remove deleted hubs for good once they cannot be restored any more; return their number."""
    expired = select(Hub).where(Hub.deleted_on < now() - GRACE).order_by(Hub.deleted_on).limit(AT_ONCE)
    hubs_to_delete = session.scalars(expired).all()
    for hub in hubs_to_delete:
        body = outbox.about_hub(session, hub, "", changed_keys=["deleted"])
        outbox.record(session, "hubs.hub.updated", body, hub)
        own_messages.forget_hub(session, hub.id)
        session.delete(hub)
    session.flush()
    return len(hubs_to_delete)


def _tell(session: Session, person: Person, hub: Hub, act: str) -> None:
    hub.touch()
    session.flush()
    # The audience changes in any case, also if the hub was visible to owners only.
    body = outbox.about_hub(session, hub, person.username, changed_keys=["deleted", "visibility"])
    outbox.record(session, "hubs.hub.updated", body, hub, detail={"act": act})
