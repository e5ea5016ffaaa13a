"""Stand-ins for the services where a community talks, translates and looks after its machines.

`hubs.demo.upstream` serves them. All data is fictional.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from hubs.demo.services.contract import answer as documented
from hubs.demo.services.contract import record

Query = dict[str, list[str]]

_TALKS = (
    "How do I share a printer with an older laptop?",
    "Ideas for the workshop in spring",
    "Wi-Fi drops after suspend",
    "Which guide should newcomers read first?",
    "Minutes of the last meeting",
    "Looking for somebody who reviews drawings",
    "The clock is wrong on dual-boot machines",
    "Thank you to everyone who tested this week",
    "Proposal: shorter names for our channels",
    "Screenshots for the release notes",
)
_TAGS = ("help", "events", "hardware", "docs", "newcomers", "design")


def _ago(**more: float) -> str:
    return (datetime.now(UTC) - timedelta(**more)).isoformat()


def _topics(query: Query, path: str) -> Any:
    """Return a list of Discourse; a third of its topics has a solution."""
    chance, topics = random.Random(f"discourse {path}"), []
    for number, title in enumerate(chance.sample(_TALKS, 8)):
        name = chance.choice(("adalind", "bramvk", "elowen", "farrukh", "kaveri"))
        solved, posts, hours = chance.random() < 0.3, chance.randint(1, 24), number * 7 + chance.randint(0, 6)
        topic = record(
            "discourse",
            "topics",
            id=5000 + chance.randint(0, 900),
            title=title,
            slug="-".join(title.lower().replace("?", "").replace(":", "").split()),
            posts_count=posts,
            bumped_at=_ago(hours=hours),
            last_poster_username=name,
            tags=chance.sample(_TAGS, chance.randint(0, 2)),
            has_accepted_answer=solved,
        )
        if query.get("solved") != ["no"] or not solved:
            topics.append(topic)
    return documented("discourse", "topics") | {"topic_list": {"per_page": 30, "topics": topics}}


_LANGUAGES = {
    "ar": "Arabic",
    "cs": "Czech",
    "de": "German",
    "es": "Spanish",
    "fa": "Persian",
    "fr": "French",
    "id": "Indonesian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt_BR": "Portuguese (Brazil)",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "zh_Hans": "Chinese (Simplified Han script)",
}


def _languages(query: Query, project: str) -> Any:
    """Return the statistics of a project on Weblate: some languages are complete, others have just begun."""
    chance, total = random.Random(f"weblate {project}"), 480
    statistics = []
    for code, name in _LANGUAGES.items():
        done = min(total, int(total * chance.betavariate(1.6, 0.6) * 1.05))
        fuzzy = chance.randint(0, (total - done) // 3)
        figures = {"total": total, "translated": done, "fuzzy": fuzzy, "translated_percent": done * 100 / total}
        statistics.append(record("weblate", "languages", code=code, name=name, url="", **figures))
    return statistics


def _outages(query: Query, name: str) -> Any:
    """Return the outages of the status page: a current one without a known end, and two planned ones."""

    def outage(title: str, hours: float, lasts: float | None) -> dict[str, Any]:
        start = datetime.now(UTC).replace(minute=0, second=0) + timedelta(hours=hours)
        end = (start + timedelta(hours=lasts)).strftime(form) if lasts else None
        return record("statuspage", "outages", title=title, ticket=None, startdate=start.strftime(form), enddate=end)

    form = "%Y-%m-%dT%H:%M:%S%z"
    if name == "ongoing":
        return {"outages": [outage("Search in the wiki is slow", -3, None)]}
    return {"outages": [outage("New disks for the build machines", 30, 4), outage("Updates and reboots", 150, 2)]}


def _room(query: Query, alias: str) -> Any:
    alias = unquote(alias)
    name = alias.removeprefix("#").partition(":")[0]
    members = random.Random(f"matrix {alias}").randint(20, 400)
    about = {"name": name.capitalize(), "topic": f"Everything about {name}. Newcomers are welcome."}
    return documented("matrix", "room") | {"canonical_alias": alias, "num_joined_members": members, **about}


ANSWERS: tuple[tuple[str, Callable[..., Any]], ...] = (
    (r"/discourse/(latest|c/.+|tag/.+)\.json", _topics),
    (r"/matrix/_matrix/client/v1/room_summary/([^/]+)", _room),
    (r"/status/(ongoing|planned)\.json", _outages),
    (r"/weblate/api/projects/([\w.-]+)/languages/", _languages),
)
