"""A hub's life after it is made: another name, deletion with days of grace, coming back, and its end."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hubs.actions import hubs, outbox
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import FormerName, Hub, Role, RoleName, User, Visibility, now
from hubs.permissions import Person, require

#: How long a deleted hub can be brought back.
GRACE = timedelta(days=30)
#: Former names kept for one hub, newest first.
FORMER = 20
#: Hubs that end for good in one go of the daemon.
AT_ONCE = 100


def rename(session: Session, who: Person, hub: Hub, name: str) -> bool:
    """Give a hub another name, and let its old one lead to it; return whether that changed anything.

    :raises InvalidInput: for a name that cannot be used.
    :raises Conflict: when the name is taken.
    """
    require(who, "edit", hub)
    name, old = name.strip(), hub.name
    if hub.kind == "user":
        raise InvalidInput(_("A person's hub has the name of its person."))
    hubs.check_name(name)
    if name == old:
        return False
    if (there := hubs.at_address(session, hub.kind, name)) is not None:
        raise hubs.taken(there)
    # Whoever had the new name before, or called something by the old one, loses it to this hub.
    session.execute(delete(FormerName).where(FormerName.space == "t", FormerName.name.in_((name, old))))
    session.add(FormerName(space="t", name=old, hub_id=hub.id))
    hub.name = name
    hub.touch()
    hubs.write_name(session, hub.kind, name)
    kept = select(FormerName.name).where(FormerName.hub_id == hub.id).order_by(FormerName.since.desc())
    surplus = session.scalars(kept.offset(FORMER)).all()
    session.execute(delete(FormerName).where(FormerName.space == "t", FormerName.name.in_(surplus)))
    body = outbox.about_hub(session, hub, who.username, changed_keys=["name"])
    outbox.record(session, "hubs.hub.updated", body, hub)
    return True


def discard(session: Session, who: Person, hub: Hub) -> datetime:
    """Delete a hub: nobody sees it from now on. Return until when it can be brought back; its name is kept for it.

    :raises InvalidInput: for a person's own hub, which goes with the account.
    """
    require(who, "own", hub)
    if hub.kind == "user":
        raise InvalidInput(_("A person's hub goes with the account: delete that on the page “My account”."))
    if hub.deleted_on is None:
        # Lists and feeds show what is public: the narrowest visibility takes the hub out of all of them.
        hub.visibility_before, hub.visibility = hub.visibility, Visibility.OWNERS
        hub.deleted_on = now()
        _tell(session, who, hub)
    return hub.deleted_on + GRACE


def bring_back(session: Session, who: Person, hub: Hub) -> None:
    """Undo the deletion of a hub: everything is as it was.

    An admin becomes the owner of a hub whose owners have no accounts any more.
    """
    require(who, "restore", hub)
    hub.visibility = Visibility(hub.visibility_before or Visibility.OWNERS)
    hub.deleted_on = hub.visibility_before = None
    if not hub.people(RoleName.OWNER) and who.signed_in:
        hub.roles.append(Role(user=session.get_one(User, who.id), role=RoleName.OWNER))
    _tell(session, who, hub)


def discarded(session: Session, who: Person) -> list[tuple[Hub, datetime]]:
    """Return the deleted hubs that somebody may bring back, each with the moment of its end, soonest first."""
    query = select(Hub).where(Hub.deleted_on.is_not(None)).order_by(Hub.deleted_on).limit(500)
    if not (who.admin or who.operator):
        query = query.where(Hub.id.in_([hub for hub, names in who.roles.items() if RoleName.OWNER in names]))
    return [(hub, hub.deleted_on + GRACE) for hub in session.scalars(query) if hub.deleted_on is not None]


def purge(session: Session) -> int:
    """End the hubs whose days of grace are over, with all that belongs to them; return how many those were."""
    over = select(Hub).where(Hub.deleted_on < now() - GRACE).order_by(Hub.deleted_on).limit(AT_ONCE)
    ended = session.scalars(over).all()
    for hub in ended:
        body = outbox.about_hub(session, hub, "", changed_keys=["deleted"])
        outbox.record(session, "hubs.hub.updated", body, hub)
        session.delete(hub)
    session.flush()
    return len(ended)


def _tell(session: Session, who: Person, hub: Hub) -> None:
    hub.touch()
    session.flush()
    # Who may see it changed in any case, also where it was for owners alone.
    body = outbox.about_hub(session, hub, who.username, changed_keys=["deleted", "visibility"])
    outbox.record(session, "hubs.hub.updated", body, hub)
