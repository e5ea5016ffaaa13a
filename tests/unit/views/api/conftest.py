"""Asking the API as somebody, with a personal token."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from hubs.actions.people import tokens
from tests.unit.conftest import as_person

Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(app: Flask, session: Session) -> Ask:
    """Give a function that sends a request as somebody; an empty name is a visitor."""
    tokens_by_person: dict[tuple[str, str], str] = {}

    def send(who: str, method: str, path: str, body: Any = None, scope: str = "write", **headers: str) -> TestResponse:
        if who and (who, scope) not in tokens_by_person:
            tokens_by_person[who, scope] = tokens.create(session, as_person(session, who), "test", 1, scope)[1]
            session.commit()
        if who:
            headers["Authorization"] = f"Bearer {tokens_by_person[who, scope]}"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        address = path if path.startswith(("/api/", "/t/", "/u/")) else f"/api/v1{path}"
        return app.test_client().open(address, method=method, json=body, headers=sent)

    return send
