"""The demo's Koji and Copr: a few builds for each person and each package, the same every time."""

import random
import xmlrpc.client
from datetime import UTC, datetime, timedelta
from typing import Any

from hubs.demo.messages import PACKAGES
from hubs.demo.services.contract import answer, record

#: Names of the projects on Copr.
_PROJECTS = ("nightly", "playground")
_OWNERS = ("adalind", "bramvk", "elowen", "kaveri")

Query = dict[str, list[str]]


def koji(request: bytes) -> bytes:
    """Return the response to a call of ``listBuilds``, as XML; a fault if it is none.

    The builds are those of a person (``userID``) or a package (``packageID``), at most as many as ``queryOpts`` allow.
    """
    try:
        parameters, method = xmlrpc.client.loads(request)
        criteria: Any = parameters[0]
        whose, package = str(criteria.get("userID", "")), str(criteria.get("packageID", ""))
        limit = int(criteria["queryOpts"]["limit"])
    except Exception:  # whatever a malformed call leads to
        method = ""
    if method != "listBuilds":
        return xmlrpc.client.dumps(xmlrpc.client.Fault(1000, "unknown call")).encode()
    builds = _koji_builds(whose, package)[:limit]
    return xmlrpc.client.dumps((builds,), methodresponse=True, allow_none=True).encode()


def copr_projects(query: Query) -> Any:
    """Return the projects of a person on Copr."""
    owner = query.get("ownername", [""])[0]
    items = [
        record("copr", "projects", id=number, name=name, ownername=owner, full_name=f"{owner}/{name}")
        for number, name in enumerate(_PROJECTS, 1)
    ]
    return answer("copr", "projects") | {"items": items}


def copr_builds(query: Query) -> Any:
    """Return the builds in a project on Copr."""
    owner, project = query.get("ownername", [""])[0], query.get("projectname", [""])[0]
    chance, builds = random.Random(f"copr {owner}/{project}"), []
    for place in range(chance.randint(1, 4)):
        name, version = _package(chance)
        ended = _ago(hours=30 * place + chance.randint(1, 24))
        builds.append(
            record(
                "copr",
                "builds",
                id=chance.randint(1_000_000, 9_000_000),
                state=chance.choice(("succeeded", "succeeded", "succeeded", "failed")),
                ownername=owner,
                projectname=project,
                project_dirname=project,
                submitter=owner,
                source_package={"name": name, "version": version, "url": ""},
                submitted_on=int(ended) - 900,
                started_on=int(ended) - 600,
                ended_on=int(ended),
            )
        )
    return answer("copr", "builds") | {"items": builds}


def _koji_builds(whose: str, package: str) -> list[Any]:
    chance, builds = random.Random(f"koji {whose} {package}"), []
    for place in range(chance.randint(3, 8)):
        name, version = _package(chance)
        name, owner = package or name, whose or chance.choice(_OWNERS)
        number, release = version.split("-")
        done = _ago(hours=40 * place + chance.randint(1, 30))
        builds.append(
            record(
                "koji",
                "builds",
                build_id=chance.randint(100_000, 999_999),
                nvr=f"{name}-{version}",
                version=number,
                release=release,
                state=chance.choice((1, 1, 1, 3)),
                package_name=name,
                name=name,
                owner_name=owner,
                creation_ts=done - 900,
                completion_ts=done,
            )
        )
    return builds


def _package(chance: random.Random) -> tuple[str, str]:
    """Return the name and the version of a package."""
    return chance.choice(PACKAGES), f"{chance.randint(1, 9)}.{chance.randint(0, 20)}-{chance.randint(1, 5)}.fc44"


def _ago(**more: float) -> float:
    return (datetime.now(UTC) - timedelta(**more)).timestamp()
