"""The address to which services deliver: what it accepts, and how it says why it refuses."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from hubs.actions.webhooks import hooks
from hubs.models import DeliveryState, Hub, Webhook, WebhookDelivery
from hubs.views.web.context import EXTENSION
from hubs.widgets.secrets import SecretBox
from tests.unit.bus.webhooks.samples import FORGE, SAMPLE_IDS, SAMPLES, SIGNERS, Sample
from tests.unit.conftest import as_person

#: A payload larger than any service sends.
FIVE_MB = {"padding": "x" * 5_000_000}
PROJECTS = "docs sea/tides discuss.example ci ci.example.org"

Deliver = Callable[..., TestResponse]


@pytest.fixture
def box(app: Flask) -> SecretBox:
    return app.extensions[EXTENSION].secret_box  # type: ignore[no-any-return]


@pytest.fixture
def deliver(client: FlaskClient, session: Session, otters: Hub, box: SecretBox) -> Iterator[Deliver]:
    """Give a function that delivers a sample to a webhook of its service; keywords change the request."""
    created: dict[str, tuple[Webhook, str]] = {}

    def deliver(sample: Sample, number: str = "d-1", now: float = 0.0, **change: Any) -> TestResponse:
        if sample.service not in created:
            owner = as_person(session, "owner")
            created[sample.service] = hooks.create(session, owner, box, otters, sample.service, "Ours", PROJECTS)
            session.commit()
        hook, secret = created[sample.service]
        request = sample.request(change.pop("secret", secret), now or time.time(), number)
        headers = {**request.headers, **change.pop("headers", {})}
        return client.post(
            f"/hooks/{change.pop('address', hook.address)}",
            data=change.pop("body", request.body),
            headers=[(name, value) for name, value in headers.items() if value],
            **change,
        )

    yield deliver
    session.rollback()


def rows(session: Session) -> list[WebhookDelivery]:
    session.rollback()
    return list(session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))


def refused(answer: TestResponse, status: int, reason: str) -> None:
    """Check that an answer is a problem that says why."""
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert reason in answer.get_json()["detail"]
    assert answer.get_json()["status"] == status


each_service = pytest.mark.parametrize("sample", SAMPLES, ids=SAMPLE_IDS)
FORGEJO = SAMPLES[0]


@each_service
def test_a_signed_delivery_is_stored_before_it_is_accepted(session: Session, deliver: Deliver, sample: Sample) -> None:
    answer = deliver(sample)
    assert (answer.status_code, answer.get_json()) == (202, {"status": "accepted"})
    assert "Set-Cookie" not in answer.headers
    (row,) = rows(session)
    assert (row.state, row.topic, row.project) == (DeliveryState.WAITING, sample.topic, sample.project)


@each_service
def test_a_repeated_delivery_is_acknowledged_and_stored_once(
    session: Session, deliver: Deliver, sample: Sample
) -> None:
    deliver(sample)
    answer = deliver(sample)
    assert (answer.status_code, answer.get_json()) == (200, {"status": "duplicate"})
    assert len(rows(session)) == 1


@each_service
def test_a_wrong_signature_is_refused_and_recorded(session: Session, deliver: Deliver, sample: Sample) -> None:
    refused(deliver(sample, secret="whsec_AAAA"), 401, "does not match")
    (row,) = rows(session)
    assert (row.state, row.body) == (DeliveryState.REFUSED, None)
    assert "does not match" in row.reason


@each_service
def test_five_megabytes_are_refused(session: Session, deliver: Deliver, sample: Sample) -> None:
    refused(deliver(replace(sample, payload=FIVE_MB)), 413, "larger than")
    (row,) = rows(session)
    assert row.size > 5_000_000


@each_service
def test_a_body_that_is_not_json_is_refused(deliver: Deliver, sample: Sample) -> None:
    refused(deliver(sample, headers={"content-type": "text/plain"}), 415, "not JSON")


@each_service
def test_a_signed_body_that_is_no_json_object_is_refused(deliver: Deliver, sample: Sample) -> None:
    refused(deliver(replace(sample, payload=["text"])), 400, "not a JSON object")


@pytest.mark.parametrize("service", ["weblate", "standard"])
def test_an_old_timestamp_is_refused(deliver: Deliver, service: str) -> None:
    sample = next(sample for sample in SAMPLES if sample.service == service)
    refused(deliver(sample, now=time.time() - 600), 401, "five minutes")


def test_a_replay_under_another_id_is_refused(deliver: Deliver) -> None:
    deliver(FORGEJO, "d-1")
    refused(deliver(FORGEJO, "d-2"), 409, "replayed")


def test_another_project_is_refused(deliver: Deliver) -> None:
    other = {**FORGE, "repository": {"full_name": "other/project"}}
    refused(deliver(replace(FORGEJO, payload=other)), 403, "not in the list")


def test_an_unknown_address_is_refused_and_trying_is_limited(client: FlaskClient, otters: Hub) -> None:
    refused(client.post("/hooks/unknown", json={}), 404, "no such webhook")
    statuses = {client.post(f"/hooks/guess-{number}", json={}).status_code for number in range(130)}
    assert statuses == {404, 429}


def test_a_webhook_of_a_deleted_hub_does_not_exist(session: Session, otters: Hub, deliver: Deliver) -> None:
    deliver(FORGEJO)
    otters.deleted_on = otters.created_on
    session.commit()
    refused(deliver(FORGEJO), 404, "no such webhook")


def test_a_body_without_a_length_is_read_only_as_far_as_it_is_accepted(
    app: Flask, session: Session, deliver: Deliver
) -> None:
    read: list[int] = []

    class Endless:
        def read(self, size: int = -1) -> bytes:
            read.append(size)
            return b"x" * min(65_536, size if size > 0 else 65_536)

    deliver(FORGEJO)
    address = session.scalars(select(Webhook.address)).one()
    environ = EnvironBuilder(path=f"/hooks/{address}", method="POST").get_environ()
    environ |= {"wsgi.input": Endless(), "wsgi.input_terminated": True}
    environ.pop("CONTENT_LENGTH", None)
    _chunks, status, headers = run_wsgi_app(app, environ)
    assert (status[:3], headers["Content-Type"]) == ("413", "application/problem+json")
    assert len(read) < 100


@pytest.mark.usefixtures("same_minute")
def test_too_many_requests_are_refused_with_the_time_to_wait(deliver: Deliver) -> None:
    answers = [deliver(FORGEJO, secret="whsec_AAAA") for _ in range(121)]
    refused(answers[-1], 429, "Too many requests")
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_the_quota_is_refused_with_the_time_to_wait(app: Flask, deliver: Deliver) -> None:
    context = app.extensions[EXTENSION]
    settings = context.settings.model_copy(update={"webhook_quota": 1})
    app.extensions[EXTENSION] = replace(context, settings=settings)
    assert deliver(FORGEJO).status_code == 202
    answer = deliver(replace(FORGEJO, payload={**FORGE, "number": 2}), "d-2")
    refused(answer, 429, "quota of 1 deliveries")
    assert int(answer.headers["Retry-After"]) > 86_000


def test_only_the_post_of_deliveries_is_exempt_from_csrf_protection(app: Flask) -> None:
    assert app.extensions["csrf"]._exempt_views == {
        "hubs.views.account.sign_in.backchannel",
        "hubs.views.webhooks.receive",
    }
    assert "webhooks" not in {exempt.name for exempt in app.extensions["csrf"]._exempt_blueprints}


def test_a_get_is_refused(client: FlaskClient, otters: Hub) -> None:
    refused(client.get("/hooks/x"), 405, "")


def test_cloudevents_senders_may_ask_whether_they_may_send(
    client: FlaskClient, deliver: Deliver, session: Session
) -> None:
    deliver(FORGEJO)
    address = session.scalars(select(Webhook.address)).one()
    answer = client.options(f"/hooks/{address}", headers={"WebHook-Request-Origin": "ci.example.org"})
    assert (answer.status_code, answer.headers["WebHook-Allowed-Origin"]) == (204, "*")
    assert "WebHook-Allowed-Origin" not in client.options(f"/hooks/{address}").headers
    assert client.options("/hooks/unknown").status_code == 404


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "a\nb"])
def test_texts_that_no_database_stores_do_no_harm(session: Session, deliver: Deliver, text: str) -> None:
    payload = {**FORGE, "repository": {"full_name": text}, "organization": {"login": "docs"}, text: text}
    assert deliver(replace(FORGEJO, payload=payload)).status_code == 202
    (row,) = rows(session)
    assert row.project == "docs"


def test_githubs_form_is_accepted_and_its_bytes_are_signed(
    session: Session, client: FlaskClient, otters: Hub, box: SecretBox
) -> None:
    hook, secret = hooks.create(session, as_person(session, "owner"), box, otters, "github", "Ours", PROJECTS)
    session.commit()
    body = urlencode({"payload": json.dumps(SAMPLES[2].payload)}).encode()
    headers = {**SAMPLES[2].headers, **SIGNERS["github"](body, secret, time.time(), "d-1")}
    form = "application/x-www-form-urlencoded"
    answer = client.post(f"/hooks/{hook.address}", data=body, headers=headers, content_type=form)
    assert answer.status_code == 202
    assert [row.topic for row in rows(session)] == ["github.push"]


def test_a_secret_that_cannot_be_read_is_said(session: Session, otters: Hub, deliver: Deliver) -> None:
    deliver(FORGEJO)
    hook = session.scalars(select(Webhook)).one()
    hook.secret = SecretBox(b"another key").encrypt("x")
    session.commit()
    refused(deliver(FORGEJO), 503, "Rotate the secret")
