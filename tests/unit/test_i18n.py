"""Texts are in the current language, and in English where a catalogue lacks them."""

from datetime import date

import pytest
from jinja2 import Environment

from hubs import i18n
from hubs.widgets.view import day


@pytest.mark.usefixtures("german")
def test_texts_follow_the_current_language_and_fall_back_to_english() -> None:
    with i18n.use("de"):
        assert (i18n.gettext("Sign in"), i18n.gettext("Sign out")) == ("Anmelden", "Sign out")
        assert i18n.ngettext("%(num)s member", "%(num)s members", 2) == "%(num)s Mitglieder"
    assert i18n.gettext("Sign in") == "Sign in"


def test_days_follow_the_current_language_despite_caching() -> None:
    for locale, said in (("de", "7. Sept."), ("en", "Sep 7"), ("de", "7. Sept.")):
        with i18n.use(locale):
            assert day(date(2026, 9, 7), "MMMd") == said


@pytest.mark.usefixtures("german")
def test_an_unknown_language_means_english() -> None:
    with i18n.use("tlh"):
        assert i18n.current() == "en"


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        (["de-AT", "en"], "de"),
        (["de"], "de"),
        (["fr", "de"], "de"),
        (["en-GB", "de"], "en"),
        (["xx"], "en"),
        ([], "en"),
        (["DE-at"], "de"),
        (["*"], "en"),
    ],
)
def test_the_best_language_is_negotiated(wanted: list[str], got: str) -> None:
    assert i18n.negotiate(wanted) == got


@pytest.mark.usefixtures("german")
def test_templates_translate_and_escape() -> None:
    environment = Environment(autoescape=True)
    i18n.install(environment)
    counted = "{% trans num=2 %}{{ num }} member{% pluralize %}{{ num }} members{% endtrans %}"
    template = environment.from_string(counted + " {{ _('Sign in') }} {{ label|translated }}")
    with i18n.use("de"):
        assert template.render(label="100 % <b>") == "2 Mitglieder Anmelden 100 % &lt;b&gt;"


def test_an_empty_text_stays_empty() -> None:
    assert i18n.gettext("") == ""


def test_every_language_has_a_name() -> None:
    assert i18n.names()["en"] == "English"
