"""Display names have something to see, and nothing that misleads."""

import pytest

from hubs.errors import InvalidInput
from hubs.models.visible_text import clean_name, usable_name


@pytest.mark.parametrize(
    "name", ["", "Adalind", "Ünïcode Ångström", "海獺", "قضاعة", "🦦", "❤\ufe0f", "👩\u200d🔬", "A\u0301", "!"]
)
def test_visible_names_are_kept(name: str) -> None:
    assert clean_name(name) == name


#: What forms take for an empty text, and what only looks like it.
WHITE_SPACE = ["\u0020", "\t", "\u0085", "\u00a0", "\u1680", "\u2003", "\u2028", "\u202f", "\u205f", "\u3000"]
INVISIBLE = ["\u200b", "\u200d", "\u2060", "\ufeff", "\u2800", "\u3164", "\uffa0", "\u115f", "\u00ad", "\u034f"]


@pytest.mark.parametrize("blank", [*WHITE_SPACE, *INVISIBLE])
def test_blanks_of_any_script_are_removed_at_the_ends(blank: str) -> None:
    assert clean_name(f"{blank}Sea Otters{blank}{blank}") == "Sea Otters"
    assert clean_name(f"{blank} \u200b{blank}Sea Otters{blank}\u3164 ") == "Sea Otters"


@pytest.mark.parametrize("blank", INVISIBLE)
def test_a_name_needs_a_visible_character(blank: str) -> None:
    with pytest.raises(InvalidInput, match="at least one visible character"):
        clean_name(blank * 3)
    assert usable_name(blank * 3) == ""


@pytest.mark.parametrize("blank", WHITE_SPACE)
def test_white_space_is_an_empty_name(blank: str) -> None:
    assert clean_name(blank * 3) == ""


@pytest.mark.parametrize("control", "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_controls_of_direction_are_refused_anywhere(control: str) -> None:
    for name in (f"{control}admin", f"ad{control}min", f"admin{control}"):
        with pytest.raises(InvalidInput, match="text direction"):
            clean_name(name)
        assert usable_name(name) == ""


def test_lone_selectors_and_joiners_are_no_name() -> None:
    for name in ("\ufe0f", "\U000e0100", "\u200d\ufe0f", "\u180b"):
        with pytest.raises(InvalidInput, match="visible"):
            clean_name(name)
