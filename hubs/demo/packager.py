"""The demo's packager dashboard: a few packages for each person, the same every time, of which some need attention."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hubs.demo.messages import PACKAGES
from hubs.demo.services.contract import answer as documented
from hubs.demo.shape import TITLES

#: The package of the documented answer from which records of each list are taken.
_LISTS = {"bzs": "lantern", "prs": "lantern", "updates": "lantern", "koschei": "kettle", "fails_to_install": "kettle"}
_RELEASES = ("Fedora 44", "Fedora 43", "Fedora Rawhide")


def answer(query: dict[str, list[str]]) -> Any:
    """Return the dashboard of the person or the group in a query."""
    whose = (query.get("users") or query.get("groups") or [""])[0]
    chance, example = random.Random(f"packager {whose}"), documented("packager_dashboard", "dashboard")
    empty = {**example["packages"]["lantern"]["data"], **{name: [] for name in (*_LISTS, "overrides")}}
    packages = {}
    for name in sorted(chance.sample(PACKAGES, chance.randint(3, 5))):
        records = {}
        for key, source in _LISTS.items():
            record = example["packages"][source]["data"][key][0]
            number = chance.choice((0, 0, 0, 1) if source == "kettle" else (0, 0, 1, 2))
            records[key] = [record | _changes(chance, key, name) for _ in range(number)]
        packages[name] = {"maintainers": {"users": [whose], "groups": []}, "data": {**empty, **records}}
    return example | {"packages": packages}


def _changes(chance: random.Random, key: str, package: str) -> dict[str, Any]:
    """Return the fields in which a record of the demo differs from the documented one."""
    when = datetime.now(UTC) - timedelta(hours=chance.randint(2, 900))
    text, release = f"{when:%Y-%m-%d %H:%M:%S}", chance.choice(_RELEASES)
    severity = chance.choice(("unspecified", "unspecified", "medium", "high"))
    build = f"{package}-{chance.randint(0, 9)}.{chance.randint(0, 20)}-1.fc44"
    changes: dict[str, dict[str, Any]] = {
        "bzs": {
            "bug_id": chance.randint(2_000_000, 2_400_000),
            "title": f"{package}: {chance.choice(TITLES)}",
            "priority_severity": severity,
            "keywords": [],
            "modified": text,
        },
        "prs": {"title": chance.choice(TITLES), "author": chance.choice(("bramvk", "elowen")), "last_updated": text},
        "updates": {"pretty_name": build, "submission_date": text},
        "koschei": {"last_success": {"time": f"{text}+00:00", "url": ""}},
        "fails_to_install": {"problems": {"x86_64": {"reason": ["libtide.so.3()(64bit)"], "since": when.isoformat()}}},
    }
    return {"release": release, "url": "", **changes[key]}
