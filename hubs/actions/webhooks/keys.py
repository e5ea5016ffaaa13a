"""The keys of a hub for other services: owners enter, replace and remove them, and nobody reads them again."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager

from hubs.actions import outbox
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound
from hubs.i18n import _
from hubs.models import Hub, HubKey, now
from hubs.permissions import Person, refusal, require, visible
from hubs.widgets.keys import origin_of, seal
from hubs.widgets.secrets import SecretBox

#: Keys of one hub, and characters of one key.
MOST, LONGEST = 20, 500


def of_hub(session: Session, who: Person, hub: Hub) -> list[HubKey]:
    """Return the keys of a hub by host; only its owners may know them."""
    require(who, "own", hub)
    return list(session.scalars(select(HubKey).where(HubKey.hub_id == hub.id).order_by(HubKey.origin)))


def mine(session: Session, person: Person) -> list[HubKey]:
    """Return the keys that a person entered for hubs that they can see, oldest first."""
    query = select(HubKey).join(HubKey.hub).options(contains_eager(HubKey.hub))
    query = query.where(HubKey.created_by == person.username, visible(person))
    return list(session.scalars(query.order_by(HubKey.id)))


def enter(session: Session, who: Person, box: SecretBox, hub: Hub, address: str, key: str) -> HubKey:
    """Store a key for the host of an address; it replaces the former key, whose content is discarded.

    :raises InvalidInput: with one sentence per field that cannot be accepted.
    :raises Conflict: when the hub has as many keys as it may have.
    """
    require(who, "own", hub)
    if hub.archived:
        raise NotAllowed(refusal(who, hub))
    origin, text = _clean(address, key)
    # The lock makes two owners who enter a key for the same host take turns.
    session.execute(select(Hub.id).where(Hub.id == hub.id).with_for_update())
    row = session.scalar(select(HubKey).where(HubKey.hub_id == hub.id, HubKey.origin == origin))
    if row is None:
        if (session.scalar(select(func.count(HubKey.id)).where(HubKey.hub_id == hub.id)) or 0) >= MOST:
            raise Conflict(_("A hub has at most %(limit)d keys: remove one first.") % {"limit": MOST})
        row = HubKey(hub_id=hub.id, origin=origin)
        session.add(row)
    else:
        _discard_content(hub)
    row.secret, row.created_by, row.created_on = seal(box, hub.id, origin, text), who.username, now()
    session.flush()
    _record(session, who, hub, row, "entered")
    return row


def remove(session: Session, who: Person, hub: Hub, number: int) -> None:
    """Remove a key and the content that it has read.

    :raises NotFound: when the hub has no such key.
    """
    require(who, "own", hub)
    row = session.scalar(select(HubKey).where(HubKey.hub_id == hub.id, HubKey.id == number))
    if row is None:
        raise NotFound(_("This hub has no such key."))
    _discard_content(hub)
    _record(session, who, hub, row, "removed")
    session.delete(row)
    session.flush()


def _clean(address: str, key: str) -> tuple[str, str]:
    wrong, address, key = {}, address.strip(), key.strip()
    origin = origin_of(address if "://" in address else f"https://{address}")
    if not origin or len(origin) > 255:
        wrong["address"] = _("Please write the address of the service, such as https://discuss.example.org.")
    elif not origin.startswith("https://"):
        wrong["address"] = _("A key is only sent over an encrypted connection: the address must start with https://.")
    if not key or len(key) > LONGEST or not (key.isascii() and key.isprintable()) or " " in key:
        wrong["key"] = _("Please paste the key as the service shows it, without blanks and at most 500 characters.")
    if wrong:
        raise InvalidInput(_("Some fields need your attention."), wrong)
    return origin, key


def _discard_content(hub: Hub) -> None:
    """Have all widgets built again: the last good content, which a failed build leaves in place, may be a key's."""
    for row in hub.widgets:
        row.version += 1
        row.updated_on = now()
    hub.touch(only_content=True)


def _record(session: Session, who: Person, hub: Hub, row: HubKey, act: str) -> None:
    """Note in the audit log for which host a key was entered or removed; the bus only hears that something changed."""
    body = outbox.about_hub(session, hub, who.username, changed_keys=["keys"])
    outbox.record(session, "hubs.hub.updated", body, hub, quiet=True, detail={"key": row.origin, "act": act})
