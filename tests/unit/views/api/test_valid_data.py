"""The API on valid data, most of which reaches its actions: it answers as the document says, and never fails."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks
from sqlalchemy import delete
from sqlalchemy.orm import Session

from hubs.actions import push, widgets
from hubs.actions.inbox import claims
from hubs.actions.layout import page_rows as pages
from hubs.actions.people import announcements, roles, tokens
from hubs.app import create_app
from hubs.models import (
    Announcement,
    Database,
    HelpClaim,
    Hub,
    JoinMode,
    PersonalToken,
    PushToken,
    RoleName,
    User,
    Visibility,
)
from hubs.permissions import OPERATOR
from hubs.settings import load
from hubs.widgets.registry import Registry
from tests.unit.actions.inbox.test_claims import store_call
from tests.unit.conftest import as_person
from tests.unit.views.api.valid_data import body_of, query_of
from tests.unit.views.conftest import BASE

HUB = "/api/v1/hubs/t/otters"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
#: The share of the calls of each operation that must succeed.
SHARE = 0.9
SETTINGS = settings(
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
#: How many examples of each operation are sent.
EXAMPLES = pytest.mark.parametrize("examples", [2, pytest.param(20, marks=pytest.mark.slow)])


@pytest.fixture
def app(database: Database, tmp_path: Path) -> Iterator[Flask]:
    places = {
        "HUBS_DATABASE_URL": str(database.url),
        "HUBS_DATA_DIR": str(tmp_path),
        "HUBS_API_RATE": "1000000",
        "HUBS_ADMINS": "owner",
    }
    application = create_app(load({**BASE, **places, "HUBS_PUSH_RATE": "1000000"}))
    yield application
    application.extensions["hubs"].database.dispose()
    application.extensions["hubs"].fragments.cache.close()


class State:
    """What the calls act on, brought back before each of them."""

    def __init__(self, session: Session, registry: Registry, hub: Hub) -> None:
        self.session, self.registry, self.hub_id = session, registry, hub.id
        self.owner = as_person(session, "owner")
        self.call_id = store_call(session)
        self.secret = tokens.create(session, self.owner, "fuzz", 1, "write")[1]

    def renew(self) -> dict[str, Any]:
        """Return path parameters and credentials of things that exist."""
        session = self.session
        session.rollback()
        session.expire_all()
        hub = session.get_one(Hub, self.hub_id)
        hub.archived, hub.visibility, hub.join_mode = False, Visibility.PUBLIC, JoinMode.REQUEST
        session.execute(delete(PushToken))
        session.execute(delete(Announcement))
        announcement = announcements.publish(session, OPERATOR, {"title": "News"}, [hub])
        session.execute(delete(HelpClaim))
        session.flush()
        claims.offer(session, self.owner, self.call_id)
        session.execute(delete(PersonalToken).where(PersonalToken.name == "spare"))
        while len(hub.widgets) > 5:
            widgets.remove(session, self.registry, self.owner, hub.widgets[-1])
        for page in list(hub.pages):
            pages.remove(session, self.registry, self.owner, page)
        pages.add(session, self.owner, hub, "start", "Start here")
        feed = widgets.add(session, self.registry, self.owner, hub, "feed", "left")
        box = widgets.add(session, self.registry, self.owner, hub, "push", "left")
        spare = tokens.create(session, self.owner, "spare", 1, "read")[0]
        machine, text = push.create_token(session, self.owner, box, "fuzz", 1)
        push.put(session, machine, {"title": "Built"}, None)
        member = session.query(User).filter_by(username="member").one()
        if RoleName.MEMBER not in [role.role for role in member.roles if role.hub_id == hub.id]:
            roles.give_role(session, self.owner, hub, member, RoleName.MEMBER)
        session.commit()
        ids = {"feed": feed.id, "push": box.id, "token": spare.id, "announcement": announcement.id}
        return {**ids, "secret": text, "call": self.call_id}


def path_parameters(path: str, state: dict[str, Any]) -> dict[str, Any]:
    number = (
        state["announcement"]
        if "/announcements/" in path
        else state["call"]
        if "/help/" in path
        else state["push"]
        if "/push/" in path
        else state["token"]
        if "/tokens/" in path
        else state["feed"]
    )
    known = {"space": "t", "name": "otters", "number": number, "username": "member", "plugin": "feed"}
    known |= {"role": "member", "slug": "start"}
    return {name: value for name, value in known.items() if f"{{{name}}}" in path}


def cursor_of(app: Flask, path: str, secret: str) -> str:
    """Return the cursor of the second page of a list, empty if it has one page only."""
    headers = {"Authorization": f"Bearer {secret}"}
    page = app.test_client().get(f"{path}?limit=1", headers=headers).json
    return parse_qs(urlsplit(page["next"]).query)["cursor"][0] if page.get("next") else ""


def call(app: Flask, state: State, registry: Registry, operation: Any, examples: int) -> Counter[int]:
    """Call an operation with valid data several times; return the statuses of its responses."""
    method, path = operation.method.upper(), operation.path
    state.renew()
    names = {parameter.name for parameter in operation.query}
    listed = path.replace("{space}/{name}", "t/otters")
    cursor = cursor_of(app, listed, state.secret) if "cursor" in names else ""
    bodies = body_of(method, path, registry, "feed")
    conforms = checks.CHECKS.get_by_names(CHECKS)
    statuses: Counter[int] = Counter()

    @settings(SETTINGS, max_examples=examples)
    @given(
        operation.as_strategy(GenerationMode.POSITIVE),
        query_of(names, cursor),
        st.none() if bodies is None else bodies,
    )
    def send(case: schemathesis.Case, query: dict[str, Any], body: Any) -> None:
        present = state.renew()
        case.path_parameters = path_parameters(path, present)
        case.query, case.headers = query, {}
        if bodies is not None:
            case.body = body
        secret = present["secret"] if "/push/" in path else state.secret
        # What is compressed, the test client does not read.
        answer = case.call(headers={"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"})
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=conforms)

    send()
    return statuses


@EXAMPLES
def test_most_calls_with_valid_data_succeed_and_none_fails(
    app: Flask, session: Session, registry: Registry, otters: Hub, tell: Callable[[str], None], examples: int
) -> None:
    state = State(session, registry, otters)
    session.commit()
    checks.load_all_checks()
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    operations = [result.ok() for result in schema.get_all_operations()]
    statuses = {operation.label: call(app, state, registry, operation, examples) for operation in operations}
    assert len(statuses) == 40
    shares = {
        label: sum(count for status, count in counted.items() if status < 400) / counted.total()
        for label, counted in statuses.items()
    }
    tell(f"{sum(map(Counter.total, statuses.values()))} calls, at least {min(shares.values()):.0%} of each succeed")
    assert not {label: statuses[label] for label, share in shares.items() if share < SHARE}
