"""Hidden activity is hidden everywhere; export and deletion of accounts."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.actions import activity as activity_actions
from hubs.actions import hubs as hub_actions
from hubs.actions import lifecycle, messages, pictures, push, widgets
from hubs.actions.layout import drafts
from hubs.actions.people import membership, roles, sessions
from hubs.actions.privacy import account_data, anonymize
from hubs.backend.ingest.extract import Extractor
from hubs.bus import parse
from hubs.errors import Conflict, InvalidInput
from hubs.fragments.store import FragmentStore
from hubs.models import (
    AuditEntry,
    Hub,
    Invitation,
    JoinRequest,
    MessagePerson,
    OutboxMessage,
    Picture,
    PictureKind,
    PushToken,
    Revision,
    Role,
    RoleName,
    StoredMessage,
    User,
    Visibility,
    Widget,
    now,
)
from hubs.pictures.uploads import accept
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of
from tests.unit.pictures.test_uploads import encoded

AUDIENCES = {  # activity → the audiences of a team's widgets that see it
    Visibility.PUBLIC: {"public", "signed-in", "members", "owners"},
    Visibility.SIGNED_IN: {"signed-in", "members", "owners"},
    Visibility.OWNERS: set(),
}


def settings(**more: Any) -> dict[str, Any]:
    return {"fullname": "Member", "timezone": "UTC", "activity": "public", "quiet_unfollow": True, **more}


def say(session: Session, *usernames: str, msg_id: str = "m1") -> None:
    body = {"agent": usernames[0], "users": list(usernames), "title": f"by {usernames[0]}"}
    envelope = {"topic": "org.fedoraproject.dev.tides.turned", "msg": body, "msg_id": msg_id}
    message = Extractor()(parse({**envelope, "timestamp": (now() - timedelta(minutes=5)).timestamp()}))
    messages.store(session, [message])
    activity_actions.note(session, dict.fromkeys(usernames, message.sent_at))
    session.commit()
    session.expire_all()


def widget(hub: Hub, plugin: str) -> Widget:
    return next(row for row in hub.widgets if row.plugin == plugin)


def own(session: Session, username: str) -> Hub:
    return session.query(Hub).filter_by(kind="user", name=username).one()


@pytest.mark.parametrize("activity", AUDIENCES)
@pytest.mark.parametrize("audience", ["public", "signed-in", "members", "owners"])
def test_a_team_widget_shows_activity_only_if_its_whole_audience_may_see_it(
    session: Session, registry: Registry, fragments: FragmentStore, team: Hub, activity: Visibility, audience: str
) -> None:
    owner = as_person(session, "owner")
    for plugin in ("activity", "heatmap"):
        widgets.add(session, registry, owner, team, plugin, "left", {})
    account_data.update_account(session, registry, user_of(session, "member"), settings(activity=activity.value))
    say(session, "member")
    shown = audience in AUDIENCES[activity]
    for plugin, words in (("feed", "by member"), ("members", "active <time"), ("activity", ">1<")):
        row = widget(team, plugin)
        row.visibility = Visibility(audience)
        session.commit()
        html = fragments.build(row).html
        assert (words in html) is shown, (plugin, html)


def test_messages_that_also_name_somebody_who_hides_activity_are_left_out(
    session: Session, registry: Registry, fragments: FragmentStore, team: Hub
) -> None:
    account_data.update_account(session, registry, user_of(session, "owner"), settings(activity="owners"))
    say(session, "member", "owner")
    assert "by member" not in fragments.build(widget(team, "feed")).html
    assert "by member" not in fragments.build(widget(own(session, "member"), "feed")).html


@pytest.mark.parametrize(
    ("activity", "audience"), [("signed-in", "signed-in"), ("owners", "owners"), ("public", "public")]
)
def test_the_own_feed_follows_the_visibility_of_activity(
    session: Session, registry: Registry, fragments: FragmentStore, team: Hub, activity: str, audience: str
) -> None:
    hub = own(session, "member")
    version = widget(hub, "feed").version
    account_data.update_account(session, registry, user_of(session, "member"), settings(activity=activity))
    say(session, "member")
    for plugin in ("feed", "activity"):
        assert widget(hub, plugin).audience == audience
    assert widget(hub, "stats").audience == "public"
    assert "by member" in fragments.build(widget(hub, "feed")).html  # the person sees it
    assert (hub.last_activity is None) is (activity != "public")
    assert (widget(hub, "feed").version > version) is (activity != "public")
    account_data.update_account(session, registry, user_of(session, "member"), settings(activity="public"))
    assert widget(hub, "feed").audience == "public"


def test_hidden_activity_does_not_count_for_a_team(session: Session, registry: Registry, team: Hub) -> None:
    account_data.update_account(session, registry, user_of(session, "member"), settings(activity="owners"))
    say(session, "member")
    assert team.last_activity is None
    say(session, "owner", msg_id="m2")
    assert team.last_activity is not None


def test_unlisted_people_are_left_out_of_lists_except_owners(
    session: Session, registry: Registry, fragments: FragmentStore, team: Hub
) -> None:
    for username in ("member", "owner"):
        account_data.update_account(session, registry, user_of(session, username), settings(unlisted=True))
    session.commit()
    html = fragments.build(widget(team, "members")).html
    assert "/u/member/" not in html
    assert "/u/owner/" in html


def test_unfollowing_is_published_without_a_name_unless_the_person_chose_otherwise(
    session: Session, registry: Registry, team: Hub
) -> None:
    subscriber, user = as_person(session, "subscriber"), user_of(session, "subscriber")
    roles.drop_role(session, subscriber, team, user, RoleName.SUBSCRIBER)
    published = [(row.topic, row.body) for row in session.query(OutboxMessage).order_by(OutboxMessage.id)][-2:]
    assert "subscriber" not in str([{**body, "role": ""} for _, body in published])
    assert [topic for topic, _ in published] == ["hubs.user.role.removed", "hubs.hub.updated"]
    assert published[1][1]["hub_id"] == own(session, "subscriber").id
    account_data.update_account(session, registry, user, settings(quiet_unfollow=False))
    roles.take_role(session, subscriber, team, RoleName.STARGAZER)
    roles.drop_role(session, subscriber, team, user, RoleName.STARGAZER)
    assert session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first().body["username"] == "subscriber"  # type: ignore[union-attr]


def test_a_privacy_change_is_published_without_a_name(session: Session, registry: Registry, team: Hub) -> None:
    account_data.update_account(session, registry, user_of(session, "member"), settings(activity="owners"))
    body = session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first().body  # type: ignore[union-attr]
    assert (body["agent"], body["hub_name"], body["hub_url"]) == ("", "", "")
    assert body["changed_keys"] == ["privacy"]


@pytest.mark.parametrize(
    ("given", "field"),
    [({"timezone": "Moon/Base"}, "timezone"), ({"activity": "x"}, "activity"), ({"locale": "tlh"}, "locale")],
)
def test_errors_are_reported_by_field(
    session: Session, registry: Registry, team: Hub, given: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        account_data.update_account(session, registry, user_of(session, "member"), settings(**given))
    assert set(caught.value.fields) == {field}


def test_an_export_has_everything_that_is_stored_about_a_person(
    session: Session, registry: Registry, team: Hub
) -> None:
    say(session, "member")
    user = user_of(session, "member")
    sessions.start(session, user, 60)
    membership.invite(session, as_person(session, "owner"), team, user, RoleName.OWNER)
    data = account_data.export(session, registry, as_person(session, "member"), user)
    assert data["account"]["username"] == "member"
    assert {"hub": "otters", "kind": "team", "role": "member"} in data["roles"]
    assert data["invitations"] == [{"hub": "otters", "role": "owner", "by": "owner"}]
    assert [row["id"] for row in data["messages"]] == ["m1"]
    assert data["hub"]["hub"] == "member"
    assert len(data["signed_in_since"]) == 1


def test_an_export_has_drafts_and_push_tokens(session: Session, registry: Registry, team: Hub) -> None:
    owner, user = as_person(session, "owner"), user_of(session, "owner")
    row = Widget(plugin="push", side="left", position=9, settings={}, version=1)
    team.widgets.append(row)
    session.flush()
    _, text = push.create_token(session, owner, row, "nightly", 30)
    document = drafts.view(session, registry, owner, team).document
    drafts.put(session, registry, owner, team, document.model_copy(update={"summary": "We dive."}))
    data = account_data.export(session, registry, owner, user)
    assert [(token["name"], token["hub"]) for token in data["push_tokens"]] == [("nightly", "otters")]
    assert [(draft["hub"], draft["layout"]["summary"]) for draft in data["drafts"]] == [("otters", "We dive.")]
    assert text not in json.dumps(data)


def test_nothing_names_a_hub_that_became_invisible(session: Session, registry: Registry, team: Hub) -> None:
    """Roles, requests, drafts and tokens do not reveal the name that a hidden hub has now."""
    owner, stranger = as_person(session, "owner"), user_of(session, "stranger")
    row = widgets.add(session, registry, owner, team, "push", "left")
    roles.give_role(session, owner, team, stranger, RoleName.OWNER)
    former_owner = as_person(session, "stranger")
    push.create_token(session, former_owner, row, "nightly", 30)
    document = drafts.view(session, registry, former_owner, team).document
    drafts.put(session, registry, former_owner, team, document.model_copy(update={"summary": "We dive."}))
    roles.drop_role(session, owner, team, stranger, RoleName.OWNER)
    roles.take_role(session, as_person(session, "stranger"), team, RoleName.SUBSCRIBER)
    membership.join(session, as_person(session, "stranger"), team)
    session.commit()

    def named() -> dict[str, list[str]]:
        data = account_data.export(session, registry, as_person(session, "stranger"), stranger)
        return {key: [entry["hub"] for entry in data[key]] for key in ("roles", "requests", "drafts", "push_tokens")}

    assert named() == {
        "roles": ["stranger", "otters"],
        "requests": ["otters"],
        "drafts": ["otters"],
        "push_tokens": ["otters"],
    }
    lifecycle.rename(session, owner, team, "secret")
    hub_actions.update(session, owner, team, {"visibility": "members"})
    session.commit()
    assert named() == {"roles": ["stranger"], "requests": [], "drafts": [], "push_tokens": []}


def test_an_export_leaves_out_what_others_hide(session: Session, registry: Registry, team: Hub) -> None:
    say(session, "owner", "member", msg_id="hidden")
    say(session, "subscriber", "member", msg_id="shown")
    for username, activity in (("owner", "owners"), ("subscriber", "signed-in"), ("member", "owners")):
        account_data.update_account(session, registry, user_of(session, username), settings(activity=activity))
    session.commit()
    data = account_data.export(session, registry, as_person(session, "member"), user_of(session, "member"))
    assert [row["id"] for row in data["messages"]] == ["shown"]


def test_a_deleted_account_is_not_named_anywhere(session: Session, registry: Registry, team: Hub) -> None:
    say(session, "member")
    say(session, "member", "owner", msg_id="m2")
    both = session.query(StoredMessage).filter_by(msg_id="m2").one()
    both.link, both.icon = "https://src.example/user/member/otters", "https://src.example/otter.png"
    session.commit()
    picture = accept(encoded())
    pictures.set_avatar(session, user_of(session, "member"), picture)
    pictures.set_hub_picture(session, as_person(session, "member"), own(session, "member"), PictureKind.COVER, picture)
    pictures.set_hub_picture(session, as_person(session, "owner"), team, PictureKind.EMBLEM, picture)
    session.commit()
    assert session.query(Picture).count() == 3
    account_data.forget(session, user_of(session, "member"))
    session.commit()
    session.expire_all()
    assert [left.hub_id for left in session.query(Picture)] == [team.id]
    assert session.query(User).filter_by(username="member").count() == 0
    assert session.query(Hub).filter_by(name="member").count() == 0
    assert session.query(MessagePerson).filter_by(username="member").count() == 0
    (left,) = session.query(StoredMessage).all()
    assert (left.msg_id, "member" in left.sentence, left.body) == ("m2", False, None)
    assert (left.link, left.icon) == ("", "https://src.example/otter.png")
    assert {role.user.username for role in session.query(Role).filter_by(hub_id=team.id)} == {"owner", "subscriber"}


def test_the_last_owner_of_a_team_cannot_delete_their_account(session: Session, registry: Registry, team: Hub) -> None:
    with pytest.raises(Conflict, match="last owner of otters"):
        account_data.forget(session, user_of(session, "owner"))
    assert session.query(User).filter_by(username="owner").count() == 1
    hub_actions.update(session, as_person(session, "owner"), team, {"summary": "still here"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ed edited the wiki with ted", "gone edited the wiki with ted"),
        ("voted for @ed, ed's own", "voted for @gone, gone's own"),
        ("ed-two and ed_two and led", "ed-two and ed_two and led"),
    ],
)
def test_a_name_is_replaced_in_sentences_as_a_whole_word(before: str, after: str) -> None:
    assert anonymize.without(before, "ed", "gone") == after


def test_a_deleted_account_is_anonymised_in_history_audit_log_and_decisions(
    session: Session, registry: Registry, team: Hub
) -> None:
    owner, user = as_person(session, "owner"), user_of(session, "member")
    other, stranger = user_of(session, "subscriber"), user_of(session, "stranger")
    roles.give_role(session, owner, team, user, RoleName.OWNER)
    boss = as_person(session, "member")
    membership.invite(session, boss, team, stranger, RoleName.MEMBER)
    membership.join(session, as_person(session, "subscriber"), team)
    membership.answer(session, boss, team, other.username, approve=False)
    hub_actions.update(session, boss, team, {"summary": "swim"})
    session.add(Revision(hub_id=team.id, number=900, agent="member", document={}))
    session.add(PushToken(widget_id=team.widgets[0].id, name="x", digest="d", created_by="member", expires_on=now()))
    session.commit()
    left = f"deleted-{user.id}"
    account_data.forget(session, user)
    session.commit()
    named = [(row.agent, row.hub_name, row.detail) for row in session.query(AuditEntry)]
    assert not [row for row in named if "member" in (row[0], row[1], row[2].get("username"))]
    assert [row for row in named if row[2].get("username") == left]
    assert [row for row in named if row[1] == left]
    assert session.query(Revision).filter_by(number=900).one().agent == left
    assert session.query(Invitation).one().invited_by == left
    assert session.query(JoinRequest).one().decided_by == left
    assert session.query(PushToken).one().created_by == left
