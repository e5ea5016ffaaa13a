"""The pages of a hub's webhooks: for its owners only, and a secret is shown once."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.bus.webhooks import SERVICES
from hubs.models import DeliveryState, Hub, Webhook, WebhookDelivery
from tests.unit.views.conftest import post, sign_in

ALL = "/t/otters/settings/webhooks"
SECRET = re.compile(r"whsec_[\w+/=]{40,}")


def create(client: FlaskClient, service: str = "forgejo") -> str:
    """Create a webhook and return the page that shows its secret."""
    answer = post(client, ALL, service=service, name="Our forge", projects="docs/handbook")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return str(answer.get_data(as_text=True))


def one(session: Session) -> Webhook:
    session.rollback()
    return session.scalars(select(Webhook)).one()


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.key)
def test_a_new_webhook_is_shown_with_address_secret_and_instructions(
    client: FlaskClient, session: Session, otters: Hub, service: object
) -> None:
    key, label = service.key, service.label  # type: ignore[attr-defined]
    page = create(sign_in(client, "owner"), key)
    assert f"http://127.0.0.1/hooks/{one(session).address}" in page
    assert SECRET.search(page)
    assert f"Set up at {label}" in page
    assert "<ol>" in page


def test_the_secret_is_shown_once(client: FlaskClient, session: Session, otters: Hub) -> None:
    secret = SECRET.search(create(sign_in(client, "owner")))
    assert secret
    for path in (ALL, f"{ALL}/{one(session).id}", "/t/otters/audit", "/t/otters/settings/file", "/t/otters/history"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert secret[0] not in answer.get_data(as_text=True)
        assert "whsec_" not in answer.get_data(as_text=True).replace("its prefix whsec_", "")


def test_owners_see_what_was_delivered(client: FlaskClient, session: Session, otters: Hub) -> None:
    create(sign_in(client, "owner"))
    hook = one(session)
    states = (DeliveryState.WAITING, DeliveryState.HANDLED, DeliveryState.PING, DeliveryState.REFUSED)
    for state in states:
        reason = "The body is not valid JSON." if state == DeliveryState.REFUSED else ""
        session.add(WebhookDelivery(webhook_id=hook.id, state=state, topic="forgejo.issues", reason=reason))
    session.commit()
    page = client.get(f"{ALL}/{hook.id}").get_data(as_text=True)
    for text in ("Waiting", "Accepted", "Connection checked", "Refused: The body is not valid JSON.", "forgejo.issues"):
        assert text in page


def test_more_deliveries_than_fit_are_on_further_pages(client: FlaskClient, session: Session, otters: Hub) -> None:
    create(sign_in(client, "owner"))
    hook = one(session)
    for number in range(51):
        session.add(WebhookDelivery(webhook_id=hook.id, state=DeliveryState.HANDLED, project=f"p-{number}-"))
    session.commit()
    page = client.get(f"{ALL}/{hook.id}").get_data(as_text=True)
    assert ("p-50-" in page, "p-0-" in page) == (True, False)
    older = re.search(r'href="(\?before=\d+)#', page)
    assert older
    page = client.get(f"{ALL}/{hook.id}{older[1]}").get_data(as_text=True)
    assert ("p-50-" in page, "p-0-" in page) == (False, True)


def test_a_rotation_shows_another_secret_once(client: FlaskClient, session: Session, otters: Hub) -> None:
    former = SECRET.search(create(sign_in(client, "owner")))
    answer = post(client, f"{ALL}/{one(session).id}/rotate")
    fresh = SECRET.search(answer.get_data(as_text=True))
    assert former
    assert fresh
    assert former[0] != fresh[0]
    assert "one more day" in answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_webhook_can_be_changed_tested_and_deleted(client: FlaskClient, session: Session, otters: Hub) -> None:
    create(sign_in(client, "owner"))
    path = f"{ALL}/{one(session).id}"
    assert post(client, path, name="Forge", projects="docs\nci/*").status_code == 303
    assert (one(session).name, one(session).projects) == ("Forge", ["docs", "ci"])
    assert post(client, f"{path}/test").status_code == 303
    assert session.scalars(select(WebhookDelivery.topic)).all() == ["webhook.test"]
    assert "The test message has been sent" in client.get(path).get_data(as_text=True)
    assert post(client, f"{path}/delete").status_code == 303
    session.rollback()
    assert session.scalars(select(Webhook)).all() == []


def test_typed_text_stays_beside_the_error_message(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    answer = post(client, ALL, service="gitlab", name="Our forge", projects=" ")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert 'value="Our forge"' in page
    assert '<option value="gitlab" selected>' in page
    assert "List at least one project" in page
    create(client)
    answer = post(client, f"{ALL}/{one(session).id}", name="", projects="docs/other")
    assert answer.status_code == 400
    assert "docs/other" in answer.get_data(as_text=True)


@pytest.mark.parametrize(("username", "status"), [("member", 403), ("subscriber", 403), ("stranger", 403)])
def test_nobody_else_sees_or_changes_webhooks(
    client: FlaskClient, session: Session, otters: Hub, username: str, status: int
) -> None:
    create(sign_in(client, "owner"))
    path = f"{ALL}/{one(session).id}"
    client.post("/logout")
    other = sign_in(client.application.test_client(), username)
    assert {other.get(page).status_code for page in (ALL, path)} == {status}
    acts = [ALL, path, f"{path}/rotate", f"{path}/test", f"{path}/delete"]
    assert {post(other, act, service="github", name="x", projects="*").status_code for act in acts} == {status}
    assert one(session).name == "Our forge"


def test_a_webhook_of_another_hub_is_not_found(client: FlaskClient, session: Session, otters: Hub) -> None:
    create(sign_in(client, "owner"))
    other = sign_in(client.application.test_client(), "stranger")
    path = f"/u/stranger/settings/webhooks/{one(session).id}"
    assert other.get(path).status_code == 404
    assert {post(other, f"{path}/{act}").status_code for act in ("rotate", "test", "delete")} == {404}
    assert post(other, path, name="x", projects="*").status_code == 404


def test_forms_need_the_token_of_the_session(client: FlaskClient, session: Session, otters: Hub) -> None:
    create(sign_in(client, "owner"))
    path = f"{ALL}/{one(session).id}"
    acts = [ALL, path, f"{path}/rotate", f"{path}/test", f"{path}/delete"]
    assert {client.post(act, data={"name": "x", "projects": "*"}).status_code for act in acts} == {400}
    assert one(session).name == "Our forge"


def test_an_archived_hub_shows_its_webhooks_and_takes_no_changes(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    create(sign_in(client, "owner"))
    number = one(session).id
    session.get_one(Hub, otters.id).archived = True
    session.commit()
    page = client.get(f"{ALL}/{number}").get_data(as_text=True)
    assert "is archived and read-only" in page
    for act in ("rotate", "test"):
        assert post(client, f"{ALL}/{number}/{act}").status_code == 403
    assert post(client, ALL, service="github", name="x", projects="*").status_code == 403
    assert post(client, f"{ALL}/{number}/delete").status_code == 303
