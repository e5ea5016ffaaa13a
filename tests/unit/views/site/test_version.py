"""The version that runs: the same wherever it is shown, and on pages for administrators only."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from hubs import __version__
from hubs.app import create_app
from hubs.cli import cli
from hubs.health import figures
from hubs.models import Database
from hubs.settings import load
from hubs.views.web.context import EXTENSION, AppContext
from tests.unit.views.conftest import BASE, close, sign_in


@pytest.fixture
def administered(database: Database, tmp_path: Path) -> Flask:
    """Give an application of which `root` is an administrator."""
    values = {"HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path), "HUBS_ADMINS": "root"}
    return create_app(load({**BASE, **values}))


def foot(app: Flask, username: str) -> str:
    """Return the foot of the page that somebody sees first."""
    page = sign_in(app.test_client(), username).get("/", follow_redirects=True).get_data(as_text=True)
    found = re.search(r'<footer class="foot">\s*<p>(.*?)</p>', page, re.DOTALL)
    assert found
    return found[1]


def test_command_page_check_and_metrics_show_the_same_version(administered: Flask) -> None:
    context: AppContext = administered.extensions[EXTENSION]
    client, readiness = context.events.client, context.readiness
    metrics = dict(sample[:2] for sample in figures.shared(context.settings, context.database, client, readiness))
    shown = {
        "command": CliRunner().invoke(cli, ["--version"]).output.split()[-1],
        "page": foot(administered, "root").rpartition("Hubs ")[2],
        "check": administered.test_client().get("/readyz").get_json()["version"],
        "metrics": metrics["hubs_info"][0],
    }
    close(administered)
    assert shown == dict.fromkeys(shown, __version__)


def test_only_administrators_see_the_version_on_pages(administered: Flask) -> None:
    assert __version__ in foot(administered, "root")
    assert __version__ not in foot(administered, "somebody")
    close(administered)
