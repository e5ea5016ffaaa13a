"""A real OpenID provider, and our pages beside it, on free loopback ports."""

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask

from hubs.app import create_app
from hubs.models import Database
from hubs.settings import load
from tests.fresh import prepare
from tests.services import HOST, Service, answers, free_port
from tests.serving import serving
from tests.stack import KEY, ROOT

PEOPLE = {
    "ottoline": {"name": "Ottoline Brand", "zoneinfo": "Europe/Oslo", "groups": ["otters", "writers"]},
    "bertil": {"name": "Bertil Aas"},
}


@dataclass
class Site:
    """Our pages, run in threads of the test, and the provider's process."""

    url: str
    app: Flask
    database: Database
    provider: Service
    issuer: str
    folder: Path = field(default_factory=Path)


@contextlib.contextmanager
def site(
    folder: Path, skew: int = 0, people: Mapping[str, object] | None = None, more: Mapping[str, str] | None = None
) -> Iterator[Site]:
    """Start a provider whose clock is wrong by ``skew`` seconds, and our pages that sign people in there."""
    web, port = free_port(), free_port()
    url, issuer = f"http://{HOST}:{web}", f"http://{HOST}:{port}"
    process = provider(folder, port, url, skew, people or PEOPLE)
    settings = {
        "HUBS_SITE_URL": url,
        "HUBS_DATA_DIR": str(folder),
        "HUBS_SECRET_KEY": KEY,
        "HUBS_PUBLISH": "0",
        "HUBS_REDIS_URL": f"redis://{HOST}:1/0",
        "HUBS_OIDC_ISSUER": issuer,
        "HUBS_OIDC_CLIENT_ID": "hubs",
        "HUBS_OIDC_CLIENT_SECRET": KEY,
        "HUBS_OIDC_SCOPES": "openid,profile,groups",
        **(more or {}),
    }
    loaded = load(settings)
    database = Database(loaded.database, info={"site_url": url})
    prepare(database)
    app = create_app(loaded)
    try:
        with serving(app, web):
            yield Site(url, app, database, process, issuer, folder)
    finally:
        process.stop()
        app.extensions["hubs"].database.dispose()
        database.dispose()


def provider(folder: Path, port: int, url: str, skew: int, people: Mapping[str, object]) -> Service:
    """Start the provider."""
    node = shutil.which("node")
    assert node, "Node.js is not installed: run tests/install-services"
    assert (ROOT / "tests/oidc/node_modules/oidc-provider").is_dir(), "run tests/install-services"
    env = {
        "OIDC_PORT": str(port),
        "OIDC_SITE": url,
        "OIDC_SKEW": str(skew),
        "OIDC_PEOPLE": json.dumps(people),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }
    service = Service([node, "tests/oidc/server.mjs"], folder, "provider", env, cwd=ROOT)
    configuration = f"http://{HOST}:{port}/.well-known/openid-configuration"
    return service.ready(lambda: answers(configuration))
