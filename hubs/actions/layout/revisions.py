"""Revisions: a copy of a hub after each change, for comparison and restoration."""

from itertools import zip_longest

from sqlalchemy import Select, delete, event, select
from sqlalchemy.orm import Session

from hubs.actions.layout import apply, documents
from hubs.actions.layout.diff import Change, between
from hubs.actions.layout.documents import HubDocument
from hubs.actions.outbox import CHANGED
from hubs.errors import NotFound
from hubs.i18n import _
from hubs.models import Database, Hub, Revision
from hubs.permissions import Person
from hubs.widgets.registry import Registry

#: Revisions kept of each hub.
KEPT = 200


def record_on_commit(database: Database, registry: Registry) -> None:
    """Record a revision of every hub that a session of ``database`` changes, in the same transaction."""

    def record_all(session: Session) -> None:
        for hub_id, agent in session.info.pop(CHANGED, {}).items():
            hub = session.get(Hub, hub_id)
            if hub is not None:
                record(session, registry, hub, agent)

    def forget(session: Session) -> None:
        session.info.pop(CHANGED, None)

    event.listen(database.maker, "before_commit", record_all)
    event.listen(database.maker, "after_rollback", forget)


def record(session: Session, registry: Registry, hub: Hub, agent: str) -> Revision | None:
    """Record the current hub as a revision, unless it equals the newest one."""
    # Without people: restoring a revision must not bring back owners who were removed since.
    described = documents.describe(hub, registry)
    documents.check_size(described)
    document = described.plain()
    newest = session.scalars(_of(hub).limit(1)).first()
    if newest is not None and newest.document == document:
        return None
    revision = Revision(hub_id=hub.id, number=newest.number + 1 if newest else 1, agent=agent, document=document)
    session.add(revision)
    session.flush()
    session.execute(delete(Revision).where(Revision.hub_id == hub.id, Revision.number <= revision.number - KEPT))
    return revision


def newest_first(session: Session, hub: Hub, limit: int = 50) -> list[tuple[Revision, list[Change]]]:
    """Return a hub's revisions, each with its changes; the oldest one that is kept has none."""
    revisions = list(session.scalars(_of(hub).limit(limit + 1)))
    pairs = zip_longest(revisions, revisions[1:])
    return [(revision, between(_read(before), _read(revision)) if before else []) for revision, before in pairs][:limit]


def restore(session: Session, registry: Registry, person: Person, hub: Hub, number: int) -> list[Change]:
    """Restore a hub to a revision, except for its people and secrets.

    :raises NotFound: when that revision is not kept any more.
    """
    revision = session.scalars(_of(hub).where(Revision.number == number)).first()
    if revision is None:
        raise NotFound(_("Revision %(number)s of this hub is not stored.") % {"number": number})
    document = _read(revision).model_copy(update={name: getattr(hub, name) for name in documents.OTHERS})
    return apply.apply(session, registry, person, hub, document)


def _read(revision: Revision) -> HubDocument:
    return documents.read(revision.document)


def _of(hub: Hub) -> Select[Revision]:
    return select(Revision).where(Revision.hub_id == hub.id).order_by(Revision.number.desc())
