"""Drafts: a person edits a page step by step, with undo and redo, and then saves all changes or none."""

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
from hubs.permissions import Person, require, visible
from hubs.widgets.registry import Registry

#: Most steps that can be undone, and their total size in characters of JSON.
STEPS, SIZE = 100, 2_000_000


class SavedMeanwhile(Conflict):
    """Somebody else saved the hub since the draft was started; their changes are now merged into the unsaved draft."""

    def __init__(self, theirs: list[Change], clashes: list[Clash]) -> None:
        super().__init__(_("Somebody else saved this page while you were changing it."))
        self.theirs, self.clashes = theirs, clashes


@dataclass(frozen=True, slots=True)
class View:
    """A draft as the editor shows it."""

    document: HubDocument
    changes: list[Change]
    can_undo: bool = False
    can_redo: bool = False


def find(session: Session, person: Person, hub: Hub) -> Draft | None:
    """Return a person's draft of a hub."""
    return session.get(Draft, (hub.id, person.id))


def mine(session: Session, person: Person) -> list[tuple[Draft, Hub]]:
    """Return a person's own drafts of hubs that they can see, each with its hub."""
    query = select(Draft, Hub).join(Hub, Hub.id == Draft.hub_id).where(Draft.user_id == person.id, visible(person))
    return [(draft, hub) for draft, hub in session.execute(query.order_by(Hub.id))]


def view(session: Session, registry: Registry, person: Person, hub: Hub) -> View:
    """Return what the person's editor shows: their draft, else the current hub."""
    require(person, "edit", hub)
    draft = find(session, person, hub)
    if draft is None:
        return View(documents.describe(hub, registry), [])
    document = _shown(draft)
    changes = between(documents.read(draft.base), document)
    return View(document, changes, draft.at > 0, draft.at < len(draft.steps) - 1)


def put(session: Session, registry: Registry, person: Person, hub: Hub, document: HubDocument) -> None:
    """Append ``document`` to the person's draft as its newest step; steps that could be redone are dropped."""
    require(person, "edit", hub)
    if not person.signed_in:
        raise NotAllowed(_("Please sign in first."))
    documents.check_size(document)
    draft = find(session, person, hub)
    if draft is None:
        current = documents.describe(hub, registry).plain()
        draft = Draft(hub_id=hub.id, user_id=person.id, base=current, steps=[current], at=0)
        session.add(draft)
    # A new list: SQLAlchemy does not notice changes inside a JSON value.
    steps = [*draft.steps[: draft.at + 1], document.plain()]
    if steps[-1] == steps[-2]:
        return
    while len(steps) > 2 and (len(steps) > STEPS or sum(len(str(step)) for step in steps) > SIZE):
        del steps[0]
    draft.steps, draft.at = steps, len(steps) - 1
    session.flush()


def undo(session: Session, person: Person, hub: Hub) -> None:
    """Undo the last step of the draft, if there is one."""
    _go(session, person, hub, -1)


def redo(session: Session, person: Person, hub: Hub) -> None:
    """Redo the step that was undone last, if there is one."""
    _go(session, person, hub, 1)


def discard(session: Session, person: Person, hub: Hub) -> None:
    """Delete the person's draft; the hub is not changed."""
    require(person, "own", hub)
    draft = find(session, person, hub)
    if draft is not None:
        session.delete(draft)
        session.flush()


def save(session: Session, registry: Registry, person: Person, hub: Hub) -> list[Change]:
    """Apply the person's draft to the hub, and delete the draft; return the changes.

    :raises SavedMeanwhile: when somebody else saved since the draft was started. Their changes are then merged into the
        draft for review, and the caller commits that. Undo returns to the person's own version.
    :raises Conflict: when both together exceed the limits of a page.
    """
    require(person, "edit", hub)
    draft = find(session, person, hub)
    if draft is None:
        return []
    _reload_and_lock(session, hub)
    base, mine, theirs = documents.read(draft.base), _shown(draft), documents.describe(hub, registry)
    if theirs != base:
        merged, clashes = merge.merge(base, mine, theirs)
        draft.base = theirs.plain()
        put(session, registry, person, hub, merged)
        raise SavedMeanwhile(between(base, theirs), clashes)
    changes = apply.apply(session, registry, person, hub, mine)
    session.delete(draft)
    session.flush()
    return changes


def _reload_and_lock(session: Session, hub: Hub) -> None:
    """Reload a hub and lock it, so that of two concurrent saves the second sees the first."""
    query = select(Hub).where(Hub.id == hub.id).options(selectinload(Hub.widgets), selectinload(Hub.pages))
    session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()


def _shown(draft: Draft) -> HubDocument:
    return documents.read(draft.steps[draft.at])


def _go(session: Session, person: Person, hub: Hub, way: int) -> None:
    require(person, "edit", hub)
    draft = find(session, person, hub)
    if draft is not None and 0 <= draft.at + way < len(draft.steps):
        draft.at += way
        session.flush()
