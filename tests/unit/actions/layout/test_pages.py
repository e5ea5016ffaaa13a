"""Further pages of a hub: in drafts, files, history and merges, and who may see what is on them."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions import revocations, widgets
from hubs.actions.layout import apply, documents, drafts, edits, page_addresses, pages, revisions, sentences, yaml_files
from hubs.actions.layout import page_rows as acts
from hubs.actions.layout.diff import between
from hubs.actions.layout.documents import HubDocument, zones
from hubs.actions.layout.merge import merge
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound
from hubs.models import (
    PAGES,
    AuditEntry,
    Database,
    Hub,
    OutboxMessage,
    Page,
    Revision,
    Revocation,
    Visibility,
    Widget,
)
from hubs.permissions import VISITOR, Person, can, visible_widgets
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person


@pytest.fixture
def owner(session: Session, team: Hub) -> Person:
    return as_person(session, "owner")


@pytest.fixture
def document(team: Hub, registry: Registry) -> HubDocument:
    """Return the team with a page “First steps” that holds its feed."""
    changed, slug = pages.add(documents.describe(team, registry), "First steps")
    assert slug == "first-steps"
    return edits.send(changed, "feed", slug)


@pytest.fixture
def page(session: Session, registry: Registry, team: Hub, owner: Person, document: HubDocument) -> Page:
    apply.apply(session, registry, owner, team, document)
    session.commit()
    return team.pages[0]


def keys(hub: Hub, page: Page | None) -> list[str]:
    return [row.key for side in ("left", "right", "below") for row in hub.column(side, page)]


def test_a_draft_adds_a_page_and_moves_a_widget_to_it(
    session: Session, registry: Registry, team: Hub, owner: Person, document: HubDocument
) -> None:
    drafts.put(session, registry, owner, team, document)
    shown = [str(change) for change in drafts.view(session, registry, owner, team).changes]
    assert shown == ["+ /first-steps: First steps", "↔ feed: moved from left to first-steps/left"]
    drafts.undo(session, owner, team)
    assert drafts.view(session, registry, owner, team).changes == []
    drafts.redo(session, owner, team)
    drafts.save(session, registry, owner, team)
    session.commit()
    assert [page.title for page in team.pages] == ["First steps"]
    assert keys(team, team.pages[0]) == ["feed"]
    assert "feed" not in keys(team, None)


def test_pages_are_renamed_ordered_hidden_and_removed(
    session: Session, registry: Registry, team: Hub, owner: Person, document: HubDocument
) -> None:
    document, slug = pages.add(document, "Équipe 日本")
    assert slug == "equipe"
    document = pages.change(pages.move(document, slug, -1), slug, "Équipe", Visibility.OWNERS)
    apply.apply(session, registry, owner, team, edits.width(document, 5, slug))
    assert [(one.slug, one.title, one.visibility, one.left_width) for one in team.pages] == [
        ("equipe", "Équipe", Visibility.OWNERS, 5),
        ("first-steps", "First steps", Visibility.PUBLIC, 8),
    ]
    changes = apply.apply(session, registry, owner, team, pages.remove(document, "first-steps"))
    assert [str(change) for change in changes][:1] == ["- /first-steps: First steps"]
    session.commit()
    assert [one.slug for one in session.scalars(select(Page))] == ["equipe"]
    assert session.scalars(select(Widget).where(Widget.hub_id == team.id, Widget.key == "feed")).all() == []


def test_a_file_brings_the_same_pages_to_another_hub(
    session: Session, registry: Registry, team: Hub, owner: Person, document: HubDocument
) -> None:
    document = pages.change(document, "first-steps", "First steps", Visibility.MEMBERS)
    apply.apply(session, registry, owner, team, document)
    written = yaml_files.write(documents.describe(team, registry))
    assert written == yaml_files.write(yaml_files.parse(written, "otters.yaml"))
    assert apply.apply(session, registry, owner, team, yaml_files.parse(written, "otters.yaml")) == []
    before = {row.key: row.id for row in team.widgets}
    apply.apply(session, registry, owner, team, pages.remove(document, "first-steps"))
    apply.apply(session, registry, owner, team, yaml_files.parse(written, "otters.yaml"))
    assert yaml_files.write(documents.describe(team, registry)) == written
    assert {row.key: row.id for row in team.widgets if row.key != "feed"} == {
        key: number for key, number in before.items() if key != "feed"
    }


def test_a_widget_keeps_its_row_when_its_page_is_replaced(
    session: Session, registry: Registry, team: Hub, owner: Person, document: HubDocument, page: Page
) -> None:
    (feed,) = team.column("left", page)
    number = feed.id
    document, slug = pages.add(document, "Start")
    apply.apply(session, registry, owner, team, pages.remove(edits.send(document, "feed", slug), "first-steps"))
    session.commit()
    assert [(row.id, row.slug) for row in team.widgets if row.key == "feed"] == [(number, "start")]


def test_history_brings_pages_back(
    session: Session, registry: Registry, team: Hub, owner: Person, document: HubDocument, page: Page
) -> None:
    number = revisions.record(session, registry, team, "owner")
    assert number is not None
    acts.remove(session, registry, owner, page)
    revisions.record(session, registry, team, "owner")
    session.commit()
    assert team.pages == []
    revisions.restore(session, registry, owner, team, number.number)
    session.commit()
    assert keys(team, team.pages[0]) == ["feed"]


def test_a_document_from_before_pages_is_unchanged(
    session: Session, registry: Registry, team: Hub, owner: Person
) -> None:
    data = documents.describe(team, registry).model_dump(mode="json")
    del data["pages"]
    assert apply.apply(session, registry, owner, team, documents.read(data)) == []
    assert "pages" not in documents.describe(team, registry).plain()


@pytest.mark.parametrize(
    ("pages_of_file", "reason"),
    [
        ([{"slug": "a", "title": "A"}, {"slug": "a", "title": "B"}], "slugs must be unique"),
        ([{"slug": "A b", "title": "A"}], "slug"),
        ([{"slug": "a", "title": "\u2066"}], "title"),
        ([{"slug": "a", "title": "A", "left_width": 12}], "left_width"),
        ([{"slug": f"p{number}", "title": "A"} for number in range(PAGES + 1)], "pages"),
        ([{"slug": "a", "title": "A", "widgets": {"left": [{"id": "x", "widget": "about"}]}}], "ids must be unique"),
    ],
)
def test_invalid_pages_are_refused(pages_of_file: list[dict[str, object]], reason: str) -> None:
    home = {"left": [{"id": "x", "widget": "about"}]}
    with pytest.raises(InvalidInput, match=reason):
        documents.read({"hub": "otters", "widgets": home, "pages": pages_of_file})


def test_the_limit_holds_for_drafts_and_actions(session: Session, registry: Registry, team: Hub, owner: Person) -> None:
    document = documents.describe(team, registry)
    for number in range(PAGES):
        document, _slug = pages.add(document, f"Page {number}")
        acts.add(session, owner, team, f"page-{number}", "A page")
    with pytest.raises(Conflict):
        pages.add(document, "One more")
    with pytest.raises(Conflict):
        acts.add(session, owner, team, "more", "One more")
    # All eight are replaced at once.
    other = documents.describe(team, registry).model_copy(update={"pages": []})
    for number in range(PAGES):
        other, _slug = pages.add(other, f"Other {number}")
    apply.apply(session, registry, owner, team, other)
    assert [page.title for page in team.pages] == [f"Other {number}" for number in range(PAGES)]


def test_changes_of_two_people_to_pages_are_merged(registry: Registry, team: Hub, document: HubDocument) -> None:
    mine = pages.change(document, "first-steps", "Begin here", Visibility.PUBLIC)
    theirs, _slug = pages.add(edits.add(document, registry, "right", "library", {}, page="first-steps"), "Links")
    merged, clashes = merge(document, mine, theirs)
    assert clashes == []
    assert [page.title for page in merged.pages] == ["Begin here", "Links"]
    assert [one.id for one in zones(merged)["first-steps", "right"]] == ["library"]
    _merged, clashes = merge(document, mine, pages.change(document, "first-steps", "Start", Visibility.PUBLIC))
    assert [(clash.subject, clash.name) for clash in clashes] == [("/first-steps", "title")]
    assert pages.find(edits.take(_merged, theirs, "/first-steps", "title"), "first-steps").title == "First steps"


def test_a_page_that_one_removed_stays_if_the_other_added_a_widget_to_it(
    registry: Registry, document: HubDocument
) -> None:
    mine = pages.remove(document, "first-steps")
    theirs = edits.add(document, registry, "right", "library", {}, page="first-steps")
    merged, clashes = merge(document, mine, theirs)
    assert [one.id for one in zones(merged)["first-steps", "right"]] == ["library"]
    assert [(clash.subject, clash.mine, clash.theirs) for clash in clashes] == [("/first-steps", "removed", "changed")]
    merged, clashes = merge(document, mine, document)
    assert (merged.pages, clashes) == ([], [])


def test_a_page_narrows_its_widgets(session: Session, team: Hub, owner: Person, page: Page) -> None:
    (feed,) = team.column("left", page)
    member, stranger = as_person(session, "member"), as_person(session, "stranger")
    for level, sees in (
        (Visibility.PUBLIC, (True, True, True, True)),
        (Visibility.SIGNED_IN, (False, True, True, True)),
        (Visibility.MEMBERS, (False, False, True, True)),
        (Visibility.OWNERS, (False, False, False, True)),
    ):
        acts.update(session, owner, page, {"visibility": level})
        people = (VISITOR, stranger, member, owner)
        assert tuple(can(who, "view", page) for who in people) == sees
        assert tuple(can(who, "view", feed) for who in people) == sees
        for who, expected in zip(people, sees, strict=True):
            query = select(Widget.key).join(Widget.hub).where(visible_widgets(who), Widget.page_id == page.id)
            assert bool(session.scalars(query).all()) is expected
    with pytest.raises(NotFound):
        acts.find(member, team, "first-steps")
    assert acts.visible(member, team) == []


def test_a_widget_that_moves_from_one_hidden_page_to_another_stays_unnamed(
    session: Session, registry: Registry, team: Hub, owner: Person, document: HubDocument
) -> None:
    apply.apply(session, registry, owner, team, pages.change(document, "first-steps", "First", Visibility.OWNERS))
    session.query(OutboxMessage).delete()
    document, slug = pages.add(documents.describe(team, registry), "Other", Visibility.OWNERS)
    document = edits.configure(edits.send(document, "feed", slug), registry, "feed", {}, "Secret plans")
    apply.apply(session, registry, owner, team, pages.remove(document, "first-steps"))
    told = session.scalars(select(OutboxMessage).where(OutboxMessage.topic.like("hubs.widget.%"))).all()
    assert [row.body["widget_label"] for row in told] == [""] * len(told)
    assert len(told) > 1
    assert "Secret" not in str([row.body for row in told])


def test_saving_reads_the_pages_again_under_the_lock(
    database: Database, session: Session, registry: Registry, team: Hub, owner: Person, page: Page
) -> None:
    session.commit()
    drafts.put(session, registry, owner, team, edits.width(documents.describe(team, registry), 5))
    session.commit()
    assert [one.title for one in team.pages] == ["First steps"]  # read before the other person saves
    with database.transaction() as other:
        hub = other.get_one(Hub, team.id)
        acts.update(other, as_person(other, "owner"), hub.pages[0], {"title": "Begin here"})
    with pytest.raises(drafts.SavedMeanwhile):
        drafts.save(session, registry, owner, team)


def test_the_audit_log_names_pages(session: Session, registry: Registry, owner: Person, page: Page) -> None:
    acts.update(session, owner, page, {"visibility": Visibility.MEMBERS})
    acts.remove(session, registry, owner, page)
    session.flush()
    rows = [row.detail for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    noted = [(row["act"], row["page"], row["values"]) for row in rows if "page" in row]
    assert noted == [
        ("added", "First steps", {}),
        ("changed", "First steps", {"visibility": ["public", "members"]}),
        ("removed", "First steps", {}),
    ]


def test_only_owners_change_pages(session: Session, registry: Registry, team: Hub, page: Page) -> None:
    member = as_person(session, "member")
    with pytest.raises(NotAllowed):
        acts.add(session, member, team, "mine", "Mine")
    with pytest.raises(NotAllowed):
        acts.update(session, member, page, {"title": "Mine"})
    with pytest.raises(NotAllowed):
        acts.arrange(session, member, team, [page])
    with pytest.raises(NotAllowed):
        acts.remove(session, registry, member, page)


def test_losing_sight_of_a_page_ends_its_stream(
    database: Database, session: Session, registry: Registry, team: Hub, owner: Person, page: Page
) -> None:
    hidden = acts.add(session, owner, team, "hidden", "Hidden", Visibility.OWNERS)
    session.commit()
    (feed,) = team.column("left", page)
    assert revocations._ended(session) == set()
    page.visibility = Visibility.MEMBERS
    assert revocations._ended(session) == {f"hub:{team.id}"}
    session.rollback()
    feed.page = hidden
    assert revocations._ended(session) == {f"hub:{team.id}"}
    session.rollback()
    # From one page that everybody sees to another, nobody loses anything.
    feed.page = None
    assert revocations._ended(session) == set()
    assert session.scalars(select(Revocation)).all() == []


def test_messages_do_not_name_hidden_pages(
    session: Session, registry: Registry, team: Hub, owner: Person, page: Page
) -> None:
    session.query(OutboxMessage).delete()
    acts.update(session, owner, page, {"visibility": Visibility.OWNERS, "title": "Secret plans"})
    widgets.add(session, registry, owner, team, "sticky", "left", page=page)
    bodies = [row.body for row in session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))]
    assert (bodies[0]["changed_keys"], bodies[0]["agent"]) == (["pages"], "")
    assert "Secret" not in str(bodies)
    assert not bodies[-1]["widget_label"]


def test_changes_of_pages_are_told_as_sentences(registry: Registry, team: Hub, document: HubDocument) -> None:
    before, second = documents.describe(team, registry), pages.add(document, "Plans")[0]
    told = [str(one) for one in sentences.describe(between(before, document), registry)]
    assert told == ["Added the page First steps", "Moved Feed to the page “First steps”"]
    changed = pages.change(edits.width(pages.move(second, "plans", -1), 5, "plans"), "plans", "Our plans", "owners")
    told = [str(one) for one in sentences.describe(between(second, changed), registry, "owner", {"owner": "Ada"})]
    assert told == [
        "Ada changed the title of the page Plans",
        "Ada changed who can see the page Plans",
        "Ada changed “Width of the left column” of the page Plans",
        "Ada changed the order of the pages",
    ]
    told = [str(one) for one in sentences.describe(between(document, edits.send(document, "feed", "")), registry)]
    assert told == ["Moved Feed to the home page"]
    told = [str(one) for one in sentences.describe(between(second, pages.remove(second, "plans")), registry)]
    assert told == ["Removed the page Plans"]


def test_drafts_history_and_files_follow_a_page_to_its_new_address(
    session: Session, registry: Registry, team: Hub, owner: Person, page: Page
) -> None:
    before = documents.describe(team, registry)
    assert before.pages[0].slug == "first-steps"
    revisions.record(session, registry, team, "owner")
    without = edits.remove(before, keys(team, None)[0])
    for step in (without, pages.change(without, "first-steps", "Go", "public")):
        drafts.put(session, registry, owner, team, step)
    session.commit()
    page_addresses.change(session, owner, page, "begin")
    session.commit()
    # It is no layout: nothing new is in the history.
    assert revisions.record(session, registry, team, "owner") is None
    shown = drafts.view(session, registry, owner, team)
    assert [change.subject for change in shown.changes if change.subject.startswith("/")] == ["/begin"]
    drafts.undo(session, owner, team)
    drafts.save(session, registry, owner, team)
    session.commit()
    assert [other.slug for other in team.pages] == ["begin"]
    assert team.pages[0] is page
    assert keys(team, page) == ["feed"]
    revisions.restore(session, registry, owner, team, 1)
    session.commit()
    assert [(other.slug, other.former_slugs) for other in team.pages] == [("begin", ["first-steps"])]
    file = yaml_files.parse(yaml_files.write(documents.describe(team, registry)), "otters.yaml")
    assert [other.slug for other in file.pages] == ["begin"]


def test_a_layout_whose_other_page_had_the_new_address_keeps_both(
    session: Session, registry: Registry, team: Hub, owner: Person, page: Page
) -> None:
    revisions.record(session, registry, team, "owner")
    other = acts.add(session, owner, team, "begin", "Begin")
    revisions.record(session, registry, team, "owner")
    session.commit()
    with pytest.raises(Conflict):
        page_addresses.change(session, owner, page, "begin")
    acts.remove(session, registry, owner, other)
    session.commit()
    page_addresses.change(session, owner, page, "begin")
    session.commit()
    session.expire_all()
    rows = session.scalars(select(Revision).order_by(Revision.number)).all()
    slugs = [[shown.slug for shown in documents.read(row.document).pages] for row in rows]
    assert slugs == [["begin"], ["first-steps", "begin"]]
