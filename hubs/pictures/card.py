"""The card of a hub: the picture that chats and social networks show beside a link to it."""

import io
from dataclasses import dataclass

from PIL import Image, ImageDraw

from hubs.pictures.drawing import drawable, gradient, width, wrap, write
from hubs.pictures.hues import banner_colours

#: The size that OpenGraph's readers expect.
SIZE = WIDTH, HEIGHT = 1200, 630
_MARGIN, _EMBLEM = 80, 132
#: Longest texts that are measured, in characters; a card shows less.
_MOST = 200
_SOFT = "#e8eefc"


@dataclass(frozen=True)
class Card:
    """What a card shows. Each text is drawn as far as the font has its characters."""

    title: str
    summary: str
    #: One or two letters for the emblem.
    letters: str
    #: The colours, by the hub's field ``banner``.
    banner: str
    site: str
    #: An uploaded emblem, encoded; empty if the letters are shown.
    emblem: bytes = b""


def draw_card(card: Card) -> bytes:
    """Return the card as PNG."""
    dark, light = banner_colours(card.banner)
    picture = gradient(SIZE, dark, light)
    draw = ImageDraw.Draw(picture)
    _emblem(picture, draw, card, dark)
    baseline = _MARGIN + _EMBLEM + 96
    for line in wrap(drawable(card.title[:_MOST]), WIDTH - 2 * _MARGIN, 2, 68, 700):
        write(draw, (_MARGIN, baseline), line, 68, 700, "white")
        baseline += 78
    for line in wrap(drawable(card.summary[:_MOST]), WIDTH - 2 * _MARGIN, 2, 34):
        write(draw, (_MARGIN, baseline - 14), line, 34, 400, _SOFT)
        baseline += 44
    write(draw, (_MARGIN, HEIGHT - 46), drawable(card.site[:_MOST]), 28, 600, _SOFT)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _emblem(picture: Image.Image, draw: ImageDraw.ImageDraw, card: Card, ink: str) -> None:
    box = (_MARGIN, _MARGIN, _MARGIN + _EMBLEM, _MARGIN + _EMBLEM)
    draw.rounded_rectangle(box, 34, fill="white")
    if card.emblem:
        with Image.open(io.BytesIO(card.emblem)) as source:
            emblem = source.convert("RGBA").resize((_EMBLEM - 12, _EMBLEM - 12), Image.Resampling.LANCZOS)
        picture.paste(emblem, (_MARGIN + 6, _MARGIN + 6), emblem)
        return
    letters = drawable(card.letters)[:2] or drawable(card.title)[:1].upper()
    size = 72 if len(letters) < 2 else 60
    left = _MARGIN + (_EMBLEM - width(letters, size, 700)) / 2
    write(draw, (left, _MARGIN + _EMBLEM / 2 + size * 0.35), letters, size, 700, ink)
