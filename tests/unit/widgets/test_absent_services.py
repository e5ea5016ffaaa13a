"""Services that an instance does not use: their widgets are not offered, and those on pages say what is missing."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.orm import Session

from hubs import cache
from hubs.actions import hubs, messages
from hubs.clients.all import Clients
from hubs.fragments.store import Fragment, FragmentStore
from hubs.models import Hub, Widget
from hubs.settings import load
from hubs.widgets.registry import Registry
from tests.unit.conftest import KEY
from tests.unit.widgets.reading import text_of
from tests.unit.widgets.test_builds import koji

#: Widgets of services without which they show nothing, with the service that they name.
NEEDY = {"badges": "Badges", "updates": "Bodhi", "packager": "Packager dashboard"}
SETTINGS = load({})


@pytest.fixture
def show(session: Session, registry: Registry, member: Hub) -> Iterator[Callable[..., Fragment]]:
    """Provide a function that adds a widget to a person's hub, and builds it without any service of a community."""
    clients = Clients(SETTINGS, cache.NullCache())
    store = FragmentStore(registry, cache.NullCache(), KEY, 3600, clients=clients)

    def build(plugin: str, **settings: str) -> Fragment:
        row = Widget(plugin=plugin, side="left", position=9, settings=settings, version=1)
        member.widgets.append(row)
        session.commit()
        return store.build(row)

    yield build
    clients.close()


@pytest.mark.parametrize(("plugin", "service"), NEEDY.items())
def test_a_widget_says_that_its_service_is_not_used(show: Callable[..., Fragment], plugin: str, service: str) -> None:
    fragment = show(plugin)
    assert fragment.state == "needs-setup"
    assert f"{service} is not used here" in text_of(fragment.html)


@pytest.mark.parametrize(
    ("plugin", "settings", "sentence"),
    [
        ("outages", {}, "Which status page? An owner can write its address"),
        ("meetings", {}, "Which calendar? An owner can write the address of one"),
        ("meetings", {"calendar": "docs"}, "Fedocal is not used here"),
        ("package_reviews", {"email": "rana@example.org"}, "Packages are not reviewed in Bugzilla here."),
        ("discourse", {}, "An owner can"),
        ("weblate", {}, "An owner can"),
    ],
)
def test_a_widget_that_can_do_without_asks_for_an_address(
    show: Callable[..., Fragment], plugin: str, settings: dict[str, str], sentence: str
) -> None:
    fragment = show(plugin, **settings)
    assert fragment.state == "needs-setup"
    assert sentence in text_of(fragment.html)


def test_builds_are_shown_from_messages_without_links(show: Callable[..., Fragment], session: Session) -> None:
    assert show("builds").state == "live"
    messages.store(session, [koji(1, 3)])
    fragment = show("builds")
    assert fragment.state == "live"
    assert "tidepool" in text_of(fragment.html)
    assert "buildinfo" not in fragment.html


def test_a_new_hub_has_only_widgets_whose_service_is_used(session: Session, team: Hub) -> None:
    layouts = {"team": (("left", "feed"), ("right", "badges"), ("right", "builds"))}
    for number, (absent, expected) in enumerate(
        [
            ((), ["feed", "badges", "builds"]),
            (("badges_url", "koji_url"), ["feed", "builds"]),
            (SETTINGS.absent_services, ["feed"]),
        ]
    ):
        registry = Registry(layouts=layouts, absent=absent)
        hub = hubs.create(session, registry, team.roles[0].user, "team", f"new-{number}")
        assert [row.plugin for row in hub.widgets] == expected
