"""The page editor without JavaScript: steps, preview, saving, and concurrent saves."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.models import Hub, RoleName, Widget
from hubs.views.hub.catalogue import GROUPS
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of
from tests.unit.views.conftest import post, sign_in

EDIT = "/t/otters/edit"


@pytest.fixture
def owner(client: FlaskClient, otters: Hub) -> FlaskClient:
    return sign_in(client, "owner")


def shown(client: FlaskClient, path: str = EDIT) -> str:
    return client.get(path).get_data(as_text=True)


def order(session: Session, hub: Hub, side: str) -> list[str]:
    session.expire_all()
    return [row.key for row in hub.column(side)]


def test_steps_change_the_draft_and_saving_changes_the_page(owner: FlaskClient, session: Session, otters: Hub) -> None:
    assert post(owner, f"{EDIT}/add/library?side=left", label="Links", side="left").status_code == 303
    for act in ("top", "down"):
        assert post(owner, EDIT, act=act, key="library").status_code == 303
    assert post(owner, EDIT, act="place", key="rules", side="left", index="0").status_code == 303
    assert post(owner, EDIT, act="remove", key="members").status_code == 303
    assert post(owner, EDIT, act="width", left_width="7").status_code == 303
    page = shown(owner)
    assert "unsaved changes" in page
    assert "Added the widget" in page
    assert "Links" not in shown(owner, "/t/otters/")
    assert order(session, otters, "left") == ["sticky", "feed"]
    saved = post(owner, EDIT, act="save")
    assert saved.headers["Location"] == "/t/otters/"
    assert order(session, otters, "left") == ["rules", "sticky", "library", "feed"]
    assert order(session, otters, "right") == ["stats", "meetings"]
    assert otters.left_width == 7


def test_undo_redo_and_discard(owner: FlaskClient, session: Session, otters: Hub) -> None:
    post(owner, EDIT, act="remove", key="rules")
    post(owner, EDIT, act="undo")
    assert 'id="edit-rules"' in shown(owner)
    post(owner, EDIT, act="redo")
    assert 'id="edit-rules"' not in shown(owner)
    post(owner, EDIT, act="discard")
    page = shown(owner)
    assert 'id="edit-rules"' in page
    assert "private until you save" in page


def test_settings_in_the_draft_are_previewed_and_saved(owner: FlaskClient, session: Session, otters: Hub) -> None:
    path = f"{EDIT}/widget/sticky"
    preview = post(owner, path, text="We **dive**.", colour="blue", label="", preview="1", side="left")
    assert preview.status_code == 200
    assert "We <strong>dive</strong>." in preview.get_data(as_text=True)
    assert session.query(Widget).filter_by(key="preview").count() == 0
    wrong = post(owner, path, text="x", colour="plaid", label="", side="left")
    assert wrong.status_code == 400
    assert "Please choose one of" in wrong.get_data(as_text=True)
    assert post(owner, path, text="We dive.", colour="blue", label="", side="left").status_code == 303
    assert "Changed “Text” of" in shown(owner)
    assert '<ins><span class="visually-hidden">Added: </span>We dive.</ins>' in shown(owner)
    assert "We dive." in shown(owner, path)
    assert "We dive." not in shown(owner, "/t/otters/?full=1")


def test_a_preview_of_every_widget_leaves_no_trace(owner: FlaskClient, session: Session, otters: Hub) -> None:
    before = session.query(Widget).count()
    for plugin in ("feed", "activity", "heatmap", "stats", "members", "rules", "library", "contact", "about"):
        page = shown(owner, f"{EDIT}/add/{plugin}?side=right")
        assert "could not be built" not in page
        assert "Error:" not in page
    session.expire_all()
    assert session.query(Widget).count() == before


def test_impossible_steps_are_explained_in_the_editor(owner: FlaskClient, otters: Hub) -> None:
    answer = post(owner, EDIT, act="sideways", key="feed")
    assert answer.status_code == 400
    assert "A widget moves up" in answer.get_data(as_text=True)
    assert 'id="edit-feed"' in answer.get_data(as_text=True)
    assert post(owner, EDIT, act="up", key="gone").status_code == 404
    assert owner.get(f"{EDIT}/widget/gone").status_code == 404
    assert owner.get(f"{EDIT}/add/nonsense?side=left").status_code == 404
    assert owner.get(f"{EDIT}/add?side=middle").status_code == 400


def test_the_catalogue_is_searched_by_words(owner: FlaskClient, otters: Hub) -> None:
    page = shown(owner, f"{EDIT}/add?side=left&q=pinned+NOTE")
    assert "Sticky note" in page
    assert "Weekly activity" not in page
    assert "No widget matches all of these words." in shown(owner, f"{EDIT}/add?side=left&q=zebra")


def group(client: FlaskClient, name: str, side: str = "right") -> list[str]:
    """Return the widgets in a group of the catalogue."""
    page = shown(client, f"{EDIT}/add?side={side}").partition(f'aria-labelledby="group-{name}"')[2]
    return re.findall(r'catalogue-card" href="/t/otters/edit/add/(\w+)', page.partition("</section>")[0])


def test_the_catalogue_begins_with_what_fits_the_hub(owner: FlaskClient, session: Session, otters: Hub) -> None:
    assert group(owner, "fitting") == []
    post(owner, EDIT, act="remove", key="rules")
    assert group(owner, "fitting") == ["rules"], "new teams have it"
    otters.extras = {"calendar": "tides", "website": "https://tides.example"}
    otters.widgets.append(Widget(plugin="issues", side="left", settings={}))
    session.commit()
    post(owner, EDIT, act="discard")
    assert group(owner, "fitting") == ["pulls", "tasks", "ci"], "it has a widget about projects"
    post(owner, EDIT, act="remove", key="meetings")
    assert group(owner, "fitting") == ["meetings", "pulls", "tasks"]
    assert not {"meetings", "pulls", "tasks"} & {*group(owner, "work"), *group(owner, "news")}


def test_a_widget_without_necessary_settings_is_added_at_once(
    owner: FlaskClient, session: Session, otters: Hub
) -> None:
    page = shown(owner, f"{EDIT}/add?side=right")
    card = page.partition("/edit/add/heatmap")[2].partition("</li>")[0]
    assert 'name="at-once"' in card
    for needy in ("rss", "pulls", "meetings"):
        assert 'name="at-once"' not in page.partition(f"/edit/add/{needy}")[2].partition("</li>")[0], needy
    answer = post(owner, f"{EDIT}/add/heatmap?side=right", **{"at-once": "1"})
    assert (answer.status_code, answer.location) == (303, f"{EDIT}#edit-heatmap")
    assert "heatmap" not in order(session, otters, "right")
    post(owner, EDIT, act="save")
    assert order(session, otters, "right")[-1] == "heatmap"


def test_the_second_to_save_sees_both_versions(owner: FlaskClient, session: Session, otters: Hub) -> None:
    roles.give_role(session, as_person(session, "owner"), otters, user_of(session, "member"), RoleName.OWNER)
    session.commit()
    other = sign_in(owner.application.test_client(), "member")
    for client, text in ((owner, "Mine"), (other, "Theirs")):
        post(client, f"{EDIT}/widget/sticky", text=text, colour="yellow", label="", side="left")
    post(owner, EDIT, act="remove", key="rules")
    assert post(other, EDIT, act="save").status_code == 303
    answer = post(owner, EDIT, act="save")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Somebody else saved this page" in page
    assert page.count("Changed “Text” of") == 2
    assert "Added: </span>Theirs</ins>" in page
    assert "Removed the widget" in page
    assert "Take theirs" in page
    assert post(owner, EDIT, act="theirs", key="sticky", name="text").status_code == 303
    assert post(owner, EDIT, act="save").status_code == 303
    session.expire_all()
    assert next(row for row in otters.widgets if row.key == "sticky").settings["text"] == "Theirs"
    assert "rules" not in order(session, otters, "right")


def test_a_widget_that_lacks_a_required_setting_is_neither_added_nor_published(
    owner: FlaskClient, session: Session, otters: Hub
) -> None:
    refused = post(owner, f"{EDIT}/add/rss?side=left", label="News", side="left", url="")
    assert refused.status_code == 400
    assert 'id="e-url"' in refused.get_data(as_text=True)
    # One that was stored before the setting was required, or came in a file.
    otters.widgets.append(Widget(key="rss", plugin="rss", label="Old news", side="left", position=9, settings={}))
    session.commit()
    post(owner, EDIT, act="remove", key="rules")
    answer = post(owner, EDIT, act="save")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert f'<a href="{EDIT}/widget/rss">Old news</a>: Please fill in this field.' in page
    assert "rules" in order(session, otters, "right")
    assert post(owner, f"{EDIT}/widget/rss", url="https://e.example/feed").status_code == 303
    assert post(owner, EDIT, act="save").status_code == 303
    assert "rules" not in order(session, otters, "right")


def test_a_widget_is_copied_into_the_draft_of_another_hub(
    owner: FlaskClient, session: Session, registry: Registry, otters: Hub
) -> None:
    user = user_of(session, "owner")
    seals = hub_actions.create(session, registry, user, "team", "seals", {"display_name": "The Seals"})
    other = hub_actions.create(session, registry, user_of(session, "stranger"), "team", "newts")
    session.commit()
    path = f"{EDIT}/widget/sticky/copy"
    assert "The Seals" in shown(owner, path)
    assert "newts" not in shown(owner, path)
    before = {hub.name: len(hub.widgets) for hub in (seals, other)}
    answers = [post(owner, path, hub=str(number)).status_code for number in (other.id, other.id + 1000, otters.id)]
    assert answers == [400, 400, 400]
    assert post(owner, path, hub=str(seals.id)).location == "/t/seals/edit"
    session.expire_all()
    assert {hub.name: len(hub.widgets) for hub in (seals, other)} == before
    assert "1 unsaved change" in shown(owner, "/t/seals/edit")
    post(owner, "/t/seals/edit", act="save")
    session.expire_all()
    assert [row.plugin for row in seals.widgets].count("sticky") == 2


def test_a_widget_that_is_not_there_cannot_be_copied(owner: FlaskClient, otters: Hub) -> None:
    assert owner.get(f"{EDIT}/widget/nothing/copy").status_code == 404


def test_groups_of_the_catalogue_name_widgets_once(registry: Registry) -> None:
    grouped = [plugin for group in GROUPS for plugin in group.widgets]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) <= {kind.name for kind in registry}
