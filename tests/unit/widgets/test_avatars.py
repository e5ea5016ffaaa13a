"""The letters on avatars of people without a picture, and icons."""

import pytest

from hubs.widgets.view import avatar, icon, initials


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Elowen Trevean", "ET"),
        ("Lorcan Mac Giolla", "LG"),
        ("rana", "R"),
        ("  Håkon   Brekke ", "HB"),
        ("(Bot) 🦦", "?"),
        ("Ada 🦦", "A"),
        ("王 小明", "王小"),
        ("", "?"),
    ],
)
def test_initials_are_of_the_first_and_last_word(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_the_colour_stays_when_the_name_changes() -> None:
    colours = {str(avatar("rana", 28, name)).split('data-hue="')[1].split('"')[0] for name in ("", "Rana Bel", "R. B.")}
    assert len(colours) == 1
    assert ">RB<" in str(avatar("rana", 28, "Rana Bel"))
    assert "<b>" not in str(avatar("rana", 28, "<b> <b>"))


def test_a_picture_lies_over_the_letters() -> None:
    assert '<img src="/pictures/abc.webp" alt=""' in str(avatar("rana", 28, "Rana Bel", "abc"))
    assert "<img" not in str(avatar("rana", 28, "Rana Bel"))


def test_icons_that_point_along_the_line_are_mirrored_from_right_to_left() -> None:
    assert 'class="icon mirror"' in icon("undo")
    assert 'class="icon"' in icon("clock")
