"""Drafts: a person changes a page step by step, can undo and redo, and then saves all of it or nothing."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from hubs.actions.layout import apply, documents, merge
from hubs.actions.layout.diff import Change, between
from hubs.actions.layout.documents import HubDocument
from hubs.actions.layout.merge import Clash
from hubs.errors import Conflict, NotAllowed
from hubs.i18n import _
from hubs.models import Draft, Hub
from hubs.permissions import Person, require
from hubs.widgets.registry import Registry

#: Steps that can be undone, at most, and their size together in characters of JSON.
STEPS, SIZE = 100, 2_000_000


class SavedMeanwhile(Conflict):
    """Somebody else saved the hub since the draft was begun; the draft now holds both, and is not saved yet."""

    def __init__(self, theirs: list[Change], clashes: list[Clash]) -> None:
        super().__init__(_("Somebody else saved this page while you were changing it."))
        self.theirs, self.clashes = theirs, clashes


@dataclass(frozen=True, slots=True)
class View:
    """What an editor shows of a draft."""

    document: HubDocument
    changes: list[Change]
    can_undo: bool = False
    can_redo: bool = False


def find(session: Session, who: Person, hub: Hub) -> Draft | None:
    """Return the draft that a person has of a hub."""
    return session.get(Draft, (hub.id, who.id))


def view(session: Session, registry: Registry, who: Person, hub: Hub) -> View:
    """Return what the person's editor shows: the draft, or the hub as it is."""
    require(who, "edit", hub)
    draft = find(session, who, hub)
    if draft is None:
        return View(documents.describe(hub, registry), [])
    document = _shown(draft)
    done = between(documents.read(draft.base), document)
    return View(document, done, draft.at > 0, draft.at < len(draft.steps) - 1)


def put(session: Session, registry: Registry, who: Person, hub: Hub, document: HubDocument) -> None:
    """Make ``document`` the newest step of the person's draft; what could be done again is forgotten."""
    require(who, "edit", hub)
    if not who.signed_in:
        raise NotAllowed(_("Please sign in first."))
    documents.check_size(document)
    draft = find(session, who, hub)
    if draft is None:
        now = documents.describe(hub, registry).plain()
        draft = Draft(hub_id=hub.id, user_id=who.id, base=now, steps=[now], at=0)
        session.add(draft)
    steps = [*draft.steps[: draft.at + 1], document.plain()]
    if steps[-1] == steps[-2]:
        return
    while len(steps) > 2 and (len(steps) > STEPS or sum(len(str(one)) for one in steps) > SIZE):
        del steps[0]
    draft.steps, draft.at = steps, len(steps) - 1
    session.flush()


def undo(session: Session, who: Person, hub: Hub) -> None:
    """Go one step back; at the first one, stay."""
    _go(session, who, hub, -1)


def redo(session: Session, who: Person, hub: Hub) -> None:
    """Do again what was undone last."""
    _go(session, who, hub, 1)


def discard(session: Session, who: Person, hub: Hub) -> None:
    """Forget the person's draft; the hub stays as it is."""
    require(who, "own", hub)
    draft = find(session, who, hub)
    if draft is not None:
        session.delete(draft)
        session.flush()


def save(session: Session, registry: Registry, who: Person, hub: Hub) -> list[Change]:
    """Make the hub look like the person's draft, and forget the draft; return what changed.

    :raises SavedMeanwhile: when somebody else saved since the draft was begun. Their changes are then in the draft as
        well, to be looked at and saved; the caller commits that. Undoing goes back to one's own version.
    :raises Conflict: when both together are too much for one page.
    """
    require(who, "edit", hub)
    draft = find(session, who, hub)
    if draft is None:
        return []
    _look_again(session, hub)
    base, mine, theirs = documents.read(draft.base), _shown(draft), documents.describe(hub, registry)
    if theirs != base:
        joined, clashes = merge.merge(base, mine, theirs)
        draft.base = theirs.plain()
        put(session, registry, who, hub, joined)
        raise SavedMeanwhile(between(base, theirs), clashes)
    done = apply.apply(session, registry, who, hub, mine)
    session.delete(draft)
    session.flush()
    return done


def _look_again(session: Session, hub: Hub) -> None:
    """Reload a hub and lock it: of two simultaneous saves, the second sees the first."""
    query = select(Hub).where(Hub.id == hub.id).options(selectinload(Hub.widgets)).with_for_update()
    session.scalars(query.execution_options(populate_existing=True)).all()


def _shown(draft: Draft) -> HubDocument:
    return documents.read(draft.steps[draft.at])


def _go(session: Session, who: Person, hub: Hub, way: int) -> None:
    require(who, "edit", hub)
    draft = find(session, who, hub)
    if draft is not None and 0 <= draft.at + way < len(draft.steps):
        draft.at += way
        session.flush()
