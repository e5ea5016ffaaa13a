"""Texts are in the current language, and in English where a catalogue lacks them."""

from datetime import date

import pytest
from babel import Locale
from jinja2 import Environment

from hubs import i18n
from hubs.widgets.view import day

pytestmark = pytest.mark.usefixtures("every_catalogue")


@pytest.mark.usefixtures("german")
def test_texts_follow_the_current_language_and_fall_back_to_english() -> None:
    with i18n.use("de"):
        assert (i18n.gettext("Sign in"), i18n.gettext("Sign out")) == ("Anmelden", "Sign out")
        assert i18n.ngettext("%(num)s member", "%(num)s members", 2) == "%(num)s Mitglieder"
    assert i18n.gettext("Sign in") == "Sign in"


def test_days_follow_the_current_language_despite_caching() -> None:
    for locale, said in (("de", "7. Sept."), ("en", "Sep 7"), ("de", "7. Sept."), ("zh_Hans", "9月7日")):
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


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        (["fr-CA", "en"], "fr"),
        (["es-419"], "es"),
        (["pt-BR"], "pt_BR"),
        (["pt-PT", "es"], "pt_BR"),
        (["zh-CN"], "zh_Hans"),
        (["zh-Hans-CN"], "zh_Hans"),
        (["ZH-hans"], "zh_Hans"),
        (["zh", "en"], "zh_Hans"),
        (["zh-TW", "fr"], "fr"),
        (["zh-Hant-HK"], "en"),
        (["ar-EG"], "ar"),
    ],
)
def test_regions_and_scripts_are_negotiated(wanted: list[str], got: str) -> None:
    assert i18n.negotiate(wanted) == got


def test_a_language_has_its_code_and_its_tag() -> None:
    assert [i18n.find(code) for code in ("pt_BR", "pt-BR", "pt-br", "zh-hans", "pt", "", "../de")] == [
        *["pt_BR"] * 3,
        "zh_Hans",
        *[""] * 3,
    ]
    assert all(i18n.find(i18n.tag(code)) == code for code in i18n.locales())


def test_arabic_is_written_from_right_to_left() -> None:
    assert [code for code in i18n.locales() if i18n.direction(code) == "rtl"] == ["ar"]


@pytest.mark.usefixtures("german")
def test_templates_translate_and_escape() -> None:
    environment = Environment(autoescape=True)
    i18n.install(environment)
    counted = "{% trans num=2 %}{{ num }} member{% pluralize %}{{ num }} members{% endtrans %}"
    template = environment.from_string(counted + " {{ _('Sign in') }} {{ label|translated }}")
    with i18n.use("de"):
        assert template.render(label="100 % <b>") == "2 Mitglieder Anmelden 100 % &lt;b&gt;"


@pytest.mark.parametrize("locale", i18n.locales())
def test_scripts_get_a_text_in_all_plural_forms(locale: str) -> None:
    texts = i18n.nN_("{num} change", "{num} changes")
    with i18n.use(locale):
        forms = i18n.plural_forms(texts)
        category_of = Locale.parse(locale).plural_form
        assert [forms[category_of(number)] for number in range(1000)] == [
            i18n.ngettext(*texts, number) for number in range(1000)
        ]
    expected = {"ar": {"zero", "one", "two", "few", "many", "other"}, "zh_Hans": {"other"}}
    assert set(forms) == expected.get(locale, {"one", "other"})


def test_templates_pass_plural_forms_to_scripts() -> None:
    environment = Environment(autoescape=True)
    i18n.install(environment)
    template = environment.from_string("{{ nN_('{num} change', '{num} changes')|plural_forms|tojson }}")
    assert template.render() == '{"one": "{num} change", "other": "{num} changes"}'


def test_an_empty_text_stays_empty() -> None:
    assert i18n.gettext("") == ""


def test_every_language_has_a_name() -> None:
    assert i18n.names() == {
        "en": "English",
        "ar": "العربية",
        "de": "Deutsch",
        "es": "Español",
        "fr": "Français",
        "pt_BR": "Português (Brasil)",
        "zh_Hans": "简体中文",
    }


@pytest.mark.parametrize(("locale", "written"), [("en", "10,000"), ("de", "10.000"), ("fr", "10\u202f000")])
def test_numbers_are_grouped_as_the_language_writes_them(locale: str, written: str) -> None:
    environment = Environment(autoescape=True)
    i18n.install(environment)
    sentence = (
        "{% trans year=2026, count=n %}{{ year }}: {{ count }} ant{% pluralize count %}{{ year }}: {{ count }} ants"
    )
    sentence = (
        "{% trans year=2026, count=n %}{{ year }}: {{ count }} ant{% pluralize count %}{{ year }}: {{ count }} ants"
    )
    text = "{{ n|thousands }} {{ ngettext('%(num)s star', '%(num)s stars', n) }} " + sentence + "{% endtrans %}"
    with i18n.use(locale):
        words = environment.from_string(text).render(n=10_000)
        assert words.startswith(f"{written} {written} ")
        assert "2026: " in words
        assert environment.from_string(text).render(n=999).startswith("999 999 ")
