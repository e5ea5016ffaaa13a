"""Fedora Badges: the badges that a person has earned.

API: https://github.com/fedora-infra/tahrir, ``/user/<username>/json`` (Tahrir is the software behind
https://badges.fedoraproject.org; its page "About" names the address). Response::

    {"user": "rana", "percent_earned": 4.5, "percentile": "12.3", "rank": 210, "user_count": 9000, "avatar": "https://…",
     "assertions": [{"issued": 1453717849.0, "id": "mugshot", "name": "Mugshot", "description": "…", "image": "https://…",
                     "tags": ["community"], "criteria": "https://…", "rarity": "D", "issuer": "…", "created_on": 1.0}]}

``rarity`` is a letter from X, the rarest sixth of all badges, over S, A, B, C to D; older servers leave it out. The
response is 404 for people without an account there, and for those who hide their badges.
"""

from dataclasses import dataclass
from datetime import datetime

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Records
from hubs.clients.http.response import LARGE, Moment, Shape, Text

#: From the rarest to the most common.
RARITIES = "XSABCD"


@dataclass(frozen=True)
class Badge:
    """A badge that a person earned; ``rarity`` is one letter of `RARITIES`, or empty."""

    id: str
    name: str
    description: str
    url: str
    earned: datetime
    rarity: str = ""


@dataclass(frozen=True)
class Earned:
    """All badges of a person, newest first; ``rank`` is their place among all people, 0 if they have none."""

    url: str
    rank: int
    people: int
    badges: tuple[Badge, ...]

    @property
    def rarest(self) -> Badge | None:
        """The rarest badge, the newest of several; None if the server reports no rarity."""
        rated = [badge for badge in self.badges if badge.rarity]
        return min(rated, key=lambda badge: RARITIES.index(badge.rarity), default=None)


class _Assertion(Shape):
    issued: Moment
    id: Text
    name: Text = ""
    description: Text = ""
    rarity: Text = ""


class _Person(Shape):
    assertions: Records[_Assertion]
    rank: int | None = 0
    user_count: int | None = 0


class Badges:
    """A client of Fedora Badges."""

    def __init__(self, http: HTTP, base: str) -> None:
        self._http, self._service = http, Service("Badges", base)

    def earned(self, username: str) -> Earned:
        """Return the badges of a person.

        :raises UpstreamMissing: when the person has no account there, or hides their badges.
        :raises UpstreamError: when there is no usable response.
        """
        service = self._service
        person = self._http.get(service.url("user", username, "json"), service, limit=LARGE).read_as(_Person)
        badges = [
            Badge(
                assertion.id,
                assertion.name or assertion.id,
                assertion.description,
                service.url("badge", assertion.id),
                assertion.issued,
                assertion.rarity if assertion.rarity in tuple(RARITIES) else "",
            )
            for assertion in person.assertions
        ]
        badges.sort(key=lambda badge: badge.earned, reverse=True)
        return Earned(service.url("user", username), person.rank or 0, person.user_count or 0, tuple(badges))
