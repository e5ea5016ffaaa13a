"""Text in pictures is measured, cut and reduced to the characters that the font has."""

from pathlib import Path

import pytest

from hubs.pictures import drawing, sparkline
from hubs.pictures.card import Card, draw_card
from hubs.pictures.hues import HUES
from hubs.settings.colours import contrast


def test_text_is_wrapped_by_words_and_the_last_line_is_cut() -> None:
    lines = drawing.wrap("counting otters along the whole coast of the northern islands", 300, 2, 40)
    assert len(lines) == 2
    assert lines[0].startswith("counting")
    assert lines[1].endswith("…")
    assert all(drawing.width(line, 40) <= 300 for line in lines)


def test_a_word_that_is_too_long_is_cut() -> None:
    (line,) = drawing.wrap("o" * 90, 300, 2, 40)
    assert line.endswith("…")
    assert drawing.width(line, 40) <= 300


def test_characters_that_the_font_lacks_are_left_out() -> None:
    assert drawing.drawable("Ötter\u202e Šč مرحبا \U0001f9a6 team\n") == "Ötter Šč team"
    assert drawing.drawable("مرحبا") == ""


@pytest.mark.parametrize("title", ["", "مرحبا", "o" * 5000, "\u202e", "Šč and Öß"])
def test_a_card_can_be_drawn_of_every_name(title: str) -> None:
    assert draw_card(Card(title, title, title[:2], "no such colour", "Hubs")).startswith(b"\x89PNG")


def test_a_card_is_drawn_without_the_font_of_the_pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drawing.font.cache_clear()
    monkeypatch.setattr(drawing, "_FONTS", tmp_path)
    try:
        assert draw_card(Card("Otters", "", "O", "", "Hubs")).startswith(b"\x89PNG")
    finally:
        drawing.font.cache_clear()


@pytest.mark.parametrize("name", HUES)
def test_white_can_be_read_on_every_hue(name: str) -> None:
    assert min(contrast(colour, "#ffffff") for colour in HUES[name]) >= 4.5


def test_a_sparkline_spans_its_drawing() -> None:
    drawing = sparkline.draw([0, 5, 10], 84, 24)
    assert drawing.line == "M0.0 22.0 L42.0 12.0 L84.0 2.0"
    assert drawing.area.endswith("L84 24 L0 24Z")
    assert sparkline.draw([]).line == "M0.0 22.0 L84.0 22.0"
    assert sparkline.draw([3]).line.startswith("M0.0 2.0")
