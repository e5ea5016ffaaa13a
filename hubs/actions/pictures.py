"""Sets and removes the pictures of people and hubs."""

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from hubs.actions import outbox
from hubs.models import Hub, Picture, PictureKind, User
from hubs.permissions import Person, require, visible
from hubs.pictures.uploads import Encoded


def set_avatar(session: Session, user: User, picture: Encoded | None) -> None:
    """Set or remove the picture of a person; their own hub has it as its emblem."""
    owner = and_(Picture.user_id == user.id, Picture.kind == PictureKind.AVATAR)
    user.picture = _replace(session, owner, Picture(user_id=user.id, kind=PictureKind.AVATAR), picture)
    hub = session.scalars(select(Hub).where(Hub.user_id == user.id, Hub.kind == "user")).first()
    if hub is not None:
        hub.emblem = user.picture
        hub.touch()
        session.flush()
        # Quiet, since lists that the person opted out of must not learn of the change.
        body = outbox.about_hub(session, hub, user.username, changed_keys=["picture"])
        outbox.record(session, "hubs.hub.updated", body, hub, quiet=True)


def set_hub_picture(session: Session, person: Person, hub: Hub, kind: PictureKind, picture: Encoded | None) -> None:
    """Set or remove the emblem or cover of a hub; the emblem of a person's hub is the picture of the person.

    :raises NotAllowed: if the person may not edit the hub.
    """
    require(person, "edit", hub)
    if kind == PictureKind.EMBLEM and hub.kind == "user":
        raise ValueError("a person's hub shows the picture of the person: call set_avatar")
    owner = and_(Picture.hub_id == hub.id, Picture.kind == kind)
    digest = _replace(session, owner, Picture(hub_id=hub.id, kind=kind), picture)
    setattr(hub, kind.value, digest)
    hub.touch()
    session.flush()
    body = outbox.about_hub(session, hub, person.username, changed_keys=[kind.value])
    outbox.record(session, "hubs.hub.updated", body, hub)


def find(session: Session, person: Person, digest: str) -> bytes | None:
    """Return a picture that a person may see: one of a hub or of the person of a hub that they may see, or their own.

    The query itself filters, so that hidden and missing pictures take the same time.
    """
    query = select(Picture.content).where(Picture.digest == digest, _seen_by(person))
    return session.scalars(query.limit(1)).first()


def of_account(session: Session, user: User) -> list[Picture]:
    """Return the pictures that are deleted with an account: the person's, and those of their own hub."""
    own = select(Hub.id).where(Hub.user_id == user.id, Hub.kind == "user")
    query = select(Picture).where(or_(Picture.user_id == user.id, Picture.hub_id.in_(own)))
    return list(session.scalars(query.order_by(Picture.id)))


def _seen_by(person: Person) -> ColumnElement[bool]:
    hubs = select(Hub.id).where(visible(person))
    people = select(Hub.user_id).where(Hub.kind == "user", Hub.user_id.is_not(None), visible(person))
    seen = or_(Picture.hub_id.in_(hubs), Picture.user_id.in_(people))
    return or_(seen, Picture.user_id == person.id) if person.signed_in else seen


def _replace(session: Session, owner: ColumnElement[bool], row: Picture, picture: Encoded | None) -> str:
    """Replace the picture of an owner; return the digest of the new one, empty if there is none."""
    current = session.scalars(select(Picture).where(owner)).first()
    if picture is None:
        if current is not None:
            session.delete(current)
        return ""
    stored = current or row
    stored.digest, stored.content = picture.digest, picture.content
    session.add(stored)
    return picture.digest
