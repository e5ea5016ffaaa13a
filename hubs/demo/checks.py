"""Checks of the demo's projects by continuous integration: the same for a project every time, and most have passed."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hubs.demo.services.contract import answer, record


def github(project: str) -> Any:
    """Return the check runs of a branch."""
    return {"check_runs": [_check("github", project, number) for number in range(3)], "total_count": 3}


def forgejo(project: str) -> Any:
    """Return the combined status of a branch."""
    statuses = [_check("forgejo", project, number) for number in range(3)]
    return answer("forgejo", "commit-status") | {"statuses": statuses, "sha": _commit(project)}


def gitlab(project: str) -> Any:
    """Return the pipelines of a branch."""
    return [_check("gitlab", project, 0)]


def _commit(project: str) -> str:
    return f"{random.Random(f'commit {project}').randrange(16**40):040x}"


def _check(service: str, project: str, number: int) -> Any:
    """Return the result of one check of a project's newest commit; most have passed."""
    chance = random.Random(f"check {project} {number}")
    has_passed = chance.random() < 0.8
    when = (datetime.now(UTC) - timedelta(hours=chance.randint(1, 30))).isoformat()
    title = ("unit tests", "documentation", "style")[number]
    if service == "github":
        result = {"conclusion": "success" if has_passed else "failure", "completed_at": when, "name": title}
        return record("github", "check-runs", id=number + 1, head_sha=_commit(project), html_url="", **result)
    if service == "forgejo":
        result = {"status": "success" if has_passed else "failure", "context": title, "target_url": ""}
        return record("forgejo", "commit-status", id=number + 1, updated_at=when, **result)
    result = {"status": "success" if has_passed else "failed", "sha": _commit(project), "web_url": ""}
    return record("gitlab", "pipelines", id=900 + number, updated_at=when, **result)
