"""Weblate: which addresses are projects, the figures, paging, and hosts that people name."""

import pytest

from hubs.clients.community.weblate import Language, Progress, Translated, Weblate, translated
from hubs.clients.http.client import HTTP
from hubs.demo.services.contract import answer, record
from hubs.errors import UpstreamForbidden, UpstreamMissing
from tests.upstream import Asked, Reply, Upstream

SITE = "https://weblate.example"


@pytest.mark.parametrize(
    ("address", "what", "subject"),
    [
        (f"{SITE}/projects/docs/", Translated(SITE, "docs"), "weblate:docs"),
        (f"{SITE}/engage/docs/", Translated(SITE, "docs"), "weblate:docs"),
        (f"{SITE}/projects/Docs/-/de/", Translated(SITE, "Docs"), "weblate:docs"),
        (f"{SITE}/projects/docs/handbook/#info", Translated(SITE, "docs", ("handbook",)), "weblate:docs/handbook"),
        (f"{SITE}/projects/docs/old/book", Translated(SITE, "docs", ("old", "book")), "weblate:docs/book"),
        (f"{SITE}/l10n/projects/docs/", Translated(f"{SITE}/l10n", "docs"), "weblate:docs"),
    ],
)
def test_addresses_of_projects(address: str, what: Translated, subject: str) -> None:
    assert translated(address) == what
    assert what.subject == subject


@pytest.mark.parametrize(
    "path", ["", "/projects/", "/languages/de/", "/projects/..", "/projects/%2e%2e/x", "/../projects/a"]
)
def test_addresses_of_something_else(path: str) -> None:
    assert translated(SITE + path) is None


def test_languages_of_a_project_are_sorted_by_progress(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/api/projects/docs/languages/", answer("weblate", "languages"))
    progress = Weblate(http, upstream.url).progress(Translated(upstream.url, "docs"))
    assert [(entry.code, entry.percent, entry.fuzzy) for entry in progress.languages] == [
        ("fa", 100, 0),
        ("de", 85, 12),
    ]
    assert (progress.percent, progress.complete, progress.page) == (92, 1, f"{upstream.url}/projects/docs/")


def test_a_component_in_a_category_is_quoted_twice_and_read_page_by_page(upstream: Upstream, http: HTTP) -> None:
    def page(asked: Asked) -> Reply:
        number = int(asked.params["page"][0])
        more = f"{upstream.url}/api/?page={number + 1}" if number < 3 else None
        return Reply({"next": more, "results": [record("weblate", "statistics", code=f"x{number}")]})

    upstream.on("/api/components/docs/old%252Fbook/statistics/", page)
    progress = Weblate(http, upstream.url).progress(Translated(upstream.url, "docs", ("old", "book")))
    assert [entry.code for entry in progress.languages] == ["x1", "x2", "x3"]


@pytest.mark.parametrize(
    ("total", "done", "fuzzy", "percent", "edit"),
    [(1000, 999, 1, 99, 1), (0, 0, 0, 100, 0), (3, 1, 2, 33, 67), (480, 0, 1, 0, 1), (480, 480, 0, 100, 0)],
)
def test_nothing_but_a_complete_translation_has_a_hundred_percent(
    total: int, done: int, fuzzy: int, percent: int, edit: int
) -> None:
    language = Language("de", "German", total, done, fuzzy, "")
    assert (language.percent, language.fuzzy_percent) == (percent, edit)


def test_figures_that_do_not_add_up_stay_within_the_bar(upstream: Upstream, http: HTTP) -> None:
    odd = record("weblate", "languages", total=10, translated=99, fuzzy=99)
    upstream.on("/api/projects/docs/languages/", [odd])
    (language,) = Weblate(http, upstream.url).progress(Translated(upstream.url, "docs")).languages
    assert (language.translated, language.fuzzy, language.percent, language.fuzzy_percent) == (10, 0, 100, 0)


def test_no_language_yet(upstream: Upstream, http: HTTP) -> None:
    assert Progress((), SITE).percent == 100
    with pytest.raises(UpstreamMissing):
        Weblate(http, upstream.url).progress(Translated(upstream.url, "nothing"))


def test_a_site_that_a_person_named_must_be_public(upstream: Upstream, http: HTTP) -> None:
    for site in (upstream.url, "http://[::1]", "http://169.254.169.254"):
        with pytest.raises(UpstreamForbidden):
            Weblate(http, SITE).progress(Translated(site, "docs"), owner="hub:1")
    assert upstream.asked == []
