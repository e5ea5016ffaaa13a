"""A community whose content is as long, as old, as foreign and as much as it gets, on an instance in this process.

``rana`` runs the instance and owns the teams: ``long`` (every widget in all states, 10,000 members), ``full`` (60
widgets), ``unbroken`` and ``arabic`` (a name, and nothing that happened), and as many others as fill 30 bookmarks.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import messages, widgets
from hubs.actions.people import announcements, bookmarks, membership, roles
from hubs.app import create_app
from hubs.errors import NeedsSetup, UpstreamError
from hubs.models import SIDES, Database, Hub, Role, RoleName, User, Widget, Width, now
from hubs.permissions import Person, person
from hubs.settings import load
from hubs.testing.samples import sample
from hubs.testing.sandbox import SandboxFragments
from hubs.widgets.registry import Registry
from tests.fresh import prepare
from tests.serving import serving
from tests.unit.views.conftest import BASE
from tests.unit.widgets.test_built_in import say

#: Names of 90 characters: with blanks, without, and from right to left.
SPACED = "Working group for documentation of installations and upgrades on rare and unusual hardware"
UNBROKEN = "Donaudampfschifffahrtsgesellschaftsdokumentationsübersetzungskoordinationsarbeitsgruppenxy"
ARABIC = "فريق توثيق التثبيت والترقية والصيانة على الأجهزة النادرة وغير المألوفة في جميع بلدان العالم"[:90]
NAMES = (SPACED, UNBROKEN, ARABIC)
#: States in which widgets are shown, in turn, and for how many minutes their content has not changed.
STATES = (("live", 1), ("stale", 8), ("failed", 600), ("needs-setup", 1), ("stale", 60 * 24 * 400))
MANY, BOOKMARKS, REQUESTS = 10_000, 30, 12


@contextmanager
def stressed(folder: Path) -> Iterator[tuple[Flask, str]]:
    """Give the application and its address; `build` fills the widgets for a language."""
    where = {"HUBS_DATABASE_URL": f"sqlite:///{folder / 'hubs.db'}", "HUBS_DATA_DIR": str(folder)}
    settings = load({**BASE, **where, "HUBS_ADMINS": "rana"})
    database = Database(settings.database, info={"site_url": settings.site_url})
    prepare(database)
    database.dispose()
    app = create_app(settings)
    site = app.extensions["hubs"]
    fill(site.database, site.registry)
    with serving(app) as address:
        yield app, address
    site.fragments.clients.close()
    site.fragments.cache.close()
    site.database.dispose()


def fill(database: Database, registry: Registry) -> None:
    """Store the people, their teams, and what happened."""
    with database.transaction() as session:
        _Filling(session, registry).everything()


def build(app: Flask, locale: str) -> None:
    """Store the content of all widgets of teams in a language, in all states in turn."""
    site = app.extensions["hubs"]
    store = SandboxFragments(site.registry, site.fragments.cache, site.settings.key(), 3600, 30, site.fragments.clients)
    with site.database.session() as session:
        rows = session.query(Widget).join(Hub).filter(Hub.kind == "team").order_by(Widget.id).all()
        for row, (state, minutes) in zip(rows, cycle(STATES), strict=False):
            content = sample(row.plugin)
            store.error = {"failed": UpstreamError(SPACED), "needs-setup": NeedsSetup(SPACED, UNBROKEN)}.get(state)
            answers = stretched(content.live) if content and not store.error else {}
            widget_type = store.registry.get(row.plugin)
            functions = widget_type.functions if widget_type and store.error else ()
            store.overrides = {
                **{name: _returns(value) for name, value in answers.items()},
                **{function.__name__: _raises(store.error) for function in functions},
            }
            moment = (now() - timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            store.keep(row, replace(store.make(row, locale), state=state, built_at=moment, due=0.0), locale)


def stretched(value: Any) -> Any:
    """Return a sample with texts of 90 characters, and with counts of 0 and 10,000."""
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: stretched(getattr(value, field.name)) for field in fields(value)})
    if isinstance(value, tuple | list):
        return type(value)(stretched(part) for part in value)
    if isinstance(value, Mapping):
        kind: Any = type(value)  # a Counter stays one
        return kind({key: _count(part) if type(part) is int else stretched(part) for key, part in value.items()})
    if isinstance(value, str) and " " in value:
        return NAMES[len(value) % len(NAMES)]
    return value


def _count(number: int) -> int:
    return MANY if number > 4 else 0


def _returns(value: Any) -> Callable[..., Any]:
    return lambda *_args, **_more: value


def _raises(error: Exception | None) -> Callable[..., Any]:
    def act(*_args: Any, **_more: Any) -> Any:
        assert error is not None
        raise error

    return act


class _Filling:
    def __init__(self, session: Session, registry: Registry) -> None:
        self.session, self.registry = session, registry
        self.users = {
            name: roles.sign_up(session, registry, name, fullname)
            for name, fullname in zip(("rana", "u" * 64, "noor"), NAMES, strict=True)
        }

    def everything(self) -> None:
        """Make the people, their teams, and what happened."""
        long, full = self.team("long", UNBROKEN), self.team("full", SPACED)
        others = [self.team(name, title) for name, title in (("unbroken", UNBROKEN), ("arabic", ARABIC))]
        others += [self.team(f"team-{n}", f"{NAMES[n % 3][:87]} {n}") for n in range(BOOKMARKS - 4)]
        rana = self.rana()
        hub_actions.update(self.session, rana, long, {"description": f"# {UNBROKEN}\n\n{SPACED} {UNBROKEN}"})
        for hub in (long, full, *others):
            bookmarks.add(self.session, rana, hub.id)
        plugins = [widget_type.name for widget_type in self.registry if widget_type.fits("team", "left")]
        self.widgets(rana, long, [widget_type.name for widget_type in self.registry])
        self.widgets(rana, full, list(islice(cycle(plugins), widgets.LIMIT)))
        self.crowd(long)
        link = f"https://e.example/{UNBROKEN}"
        values = {"title": SPACED, "text": f"{UNBROKEN} {ARABIC}", "link": link, "public": True}
        for hubs in ([], [long]):
            announcements.publish(self.session, rana, values, hubs)
        for name in ("u" * 64, "noor"):
            membership.invite(self.session, rana, full, self.users[name], RoleName.MEMBER, SPACED)
        self.happened()

    def team(self, name: str, title: str) -> Hub:
        values = {"display_name": title, "summary": f"{title} {SPACED}"[:128]}
        layout = () if name in ("long", "full") else None
        hub = hub_actions.create(self.session, self.registry, self.users["rana"], "team", name, values, layout)
        hub.created_on = now() - timedelta(days=400)
        return hub

    def rana(self) -> Person:
        user = self.users["rana"]
        self.session.flush()
        self.session.refresh(user, ["roles"])
        return person(user.id, "rana", user.roles, admin=True, creator=True)

    def widgets(self, rana: Person, hub: Hub, plugins: list[str]) -> None:
        """Add widgets, a third of them into each zone that they fit, and give most of them long titles."""
        for number, plugin in enumerate(plugins):
            widget_type = self.registry.get(plugin)
            assert widget_type is not None
            sides = [side for side in SIDES if widget_type.fits("team", side)]
            content, width = sample(plugin), tuple(Width)[number % 3]
            values = stretched(content.settings) if content else {}
            if sides:
                side, label = sides[number % len(sides)], (*NAMES, "")[number % 4]
                widgets.add(self.session, self.registry, rana, hub, plugin, side, values, label, width=width)

    def crowd(self, hub: Hub) -> None:
        """Add 10,000 members who all starred the team, and some who ask to join."""
        first = 1000
        rows = [
            {"id": first + n, "username": f"person{n}", "fullname": f"{NAMES[n % 3][:84]} {n}"} for n in range(MANY)
        ]
        self.session.execute(insert(User), rows)
        held = [
            {"hub_id": hub.id, "user_id": first + n, "role": role}
            for n in range(REQUESTS, MANY)
            for role in (RoleName.MEMBER, RoleName.STARGAZER)
        ]
        self.session.execute(insert(Role), held)
        for n in range(REQUESTS):
            asking = person(first + n, f"person{n}", ())
            membership.join(self.session, asking, hub, f"{SPACED} {UNBROKEN}")

    def happened(self) -> None:
        """Store what people did."""
        names = list(self.users)
        entries = [
            say(
                number,
                names[number % 3],
                names[(number + 1) % 3],
                ago=7 * number,
                link=f"https://e.example/{number}",
                sentence=f"{NAMES[number % 3]} {number}",
            )
            for number in range(1, 60)
        ]
        messages.store(self.session, entries)
