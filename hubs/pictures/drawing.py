"""Drawing of text and gradients for pictures, with the font of the pages."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

_FONTS = Path(__file__).parents[1] / "static" / "vendor" / "red-hat-text"
#: Files of the font: the first has Western letters, the second those of the other Latin alphabets.
_FILES = {"western": "red-hat-text-latin-wght-normal.woff2", "extended": "red-hat-text-latin-ext-wght-normal.woff2"}
#: Characters that each file has. Others cannot be drawn: a picture leaves them out.
_EXTENDED = (range(0x100, 0x2BB), range(0x1E00, 0x1EA0), range(0x1EF2, 0x1F00))
_PUNCTUATION = frozenset("\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2022\u2026\u20ac\u2122\u2212")

Subset = Literal["western", "extended"]
#: Either kind of font of the library: a file of ours, or the library's own.
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(64)
def font(size: int, weight: int = 400, subset: Subset = "western") -> Font:
    """Return the font in ``size`` pixels; the library's own if ours cannot be read."""
    try:
        face = ImageFont.truetype(_FONTS / _FILES[subset], size)
        face.set_variation_by_axes([weight])
    except (OSError, NotImplementedError):  # a FreeType without support for compressed or variable fonts
        return ImageFont.load_default(size)
    return face


def drawable(text: str) -> str:
    """Return ``text`` on one line without the characters that the font does not have."""
    return " ".join("".join(sign for sign in text if sign.isspace() or _subset(sign) is not None).split())


def width(text: str, size: int, weight: int = 400) -> float:
    """Return the width of drawable ``text`` in pixels."""
    return sum(font(size, weight, subset).getlength(run) for subset, run in _runs(text))


def write(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, weight: int, fill: str) -> None:
    """Write drawable ``text`` with its baseline starting at ``place``."""
    x, y = place
    for subset, run in _runs(text):
        face = font(size, weight, subset)
        # Only fonts of ours can be placed by their baseline.
        draw.text((x, y), run, fill=fill, font=face, anchor="ls" if isinstance(face, ImageFont.FreeTypeFont) else None)
        x += face.getlength(run)


def wrap(text: str, most_width: int, most_lines: int, size: int, weight: int = 400) -> list[str]:
    """Return drawable ``text`` in at most ``most_lines`` lines; the last ends with an ellipsis if it is cut."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most_lines:
        line = words.pop(0)
        while words and width(f"{line} {words[0]}", size, weight) <= most_width:
            line += " " + words.pop(0)
        is_last = len(lines) == most_lines - 1
        if width(line, size, weight) > most_width or (is_last and words):
            line = _cut(line, most_width, size, weight)
        lines.append(line)
    return lines


def gradient(size: tuple[int, int], first: str, second: str) -> Image.Image:
    """Return a picture that goes from one colour at the left to another at the right."""
    ramp = Image.linear_gradient("L").rotate(90).resize(size)
    return Image.composite(Image.new("RGB", size, second), Image.new("RGB", size, first), ramp)


def _cut(line: str, most_width: int, size: int, weight: int) -> str:
    while line and width(line + "…", size, weight) > most_width:
        line = line[:-1].rstrip()
    return line + "…"


def _runs(text: str) -> Iterator[tuple[Subset, str]]:
    """Split drawable text where the file of the font changes."""
    run, current = "", "western"
    for sign in text:
        # A blank stays in the run that it follows.
        subset = current if sign == " " else _subset(sign) or current
        if run and subset != current:
            yield ("extended" if current == "extended" else "western"), run
            run = ""
        run, current = run + sign, subset
    if run:
        yield ("extended" if current == "extended" else "western"), run


def _subset(sign: str) -> Subset | None:
    if " " <= sign <= "~" or "\xa1" <= sign <= "\xff" or sign in _PUNCTUATION:
        return "western"
    return "extended" if any(ord(sign) in letters for letters in _EXTENDED) else None
