"""The icon of an instance as PNG and ICO: its logo, else a drawn mark on its accent colour."""

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw

from hubs.pictures.drawing import drawable, width, write
from hubs.pictures.hues import banner_colours

#: Sizes inside the ICO file.
ICO_SIZES = [(16, 16), (32, 32), (48, 48)]
#: Share of a maskable icon that every launcher shows.
SAFE = 0.8
#: The mark of `hubs/static/hubs.svg` on its grid of 32: circles as centre and radius, and lines between centres.
_CIRCLES = ((16, 16, 4.2), (8, 8.5, 2.7), (24.4, 9.6, 2.7), (16, 25.5, 2.7))
_LINES = ((8.5, 9), (24, 10), (16, 25.5))
#: Pictures are drawn this many times as large and then reduced, which smooths the edges.
_OVERSAMPLING = 4


@dataclass(frozen=True)
class Brand:
    """What an icon shows: the logo, if it is a PNG file, else the mark, or the name's initial for another logo."""

    name: str
    logo: str
    accent: str


@lru_cache(32)
def png(brand: Brand, size: int, maskable: bool = False) -> bytes:
    """Return the icon with ``size`` pixels on each side; ``maskable`` leaves the margin that launchers cut off."""
    buffer = io.BytesIO()
    _icon(brand, size, maskable).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


@lru_cache(4)
def ico(brand: Brand) -> bytes:
    """Return the icon as an ICO file, which browsers request on their own."""
    buffer = io.BytesIO()
    _icon(brand, 48, maskable=False).save(buffer, "ICO", sizes=ICO_SIZES)
    return buffer.getvalue()


def _icon(brand: Brand, size: int, maskable: bool) -> Image.Image:
    if brand.logo.lower().endswith(".png"):
        return _from_file(Path(brand.logo), size, maskable)
    side = size * _OVERSAMPLING
    canvas = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(canvas)
    colour = brand.accent or banner_colours("")[1]
    draw.rounded_rectangle((0, 0, side - 1, side - 1), 0 if maskable else side * 9 // 32, fill=colour)
    if brand.logo:
        _initial(draw, brand.name, side)
    else:
        _mark(draw, side, SAFE if maskable else 1.0)
    return canvas.resize((size, size), Image.Resampling.LANCZOS)


def _mark(draw: ImageDraw.ImageDraw, side: int, share: float) -> None:
    unit, margin = side * share / 32, side * (1 - share) / 2
    for x, y in _LINES:
        ends = [(margin + 16 * unit, margin + 16 * unit), (margin + x * unit, margin + y * unit)]
        draw.line(ends, fill="white", width=round(2.2 * unit))
    for x, y, radius in _CIRCLES:
        centre = margin + x * unit, margin + y * unit
        draw.circle(centre, radius * unit, fill="white")


def _initial(draw: ImageDraw.ImageDraw, name: str, side: int) -> None:
    letter = (drawable(name) or "·")[:1].upper()
    size = side * 5 // 8
    write(draw, ((side - width(letter, size, 700)) / 2, side * 0.72), letter, size, 700, "white")


def _from_file(path: Path, size: int, maskable: bool) -> Image.Image:
    with Image.open(path) as source:
        picture = source.convert("RGBA")
    inner = round(size * SAFE) if maskable else size
    picture.thumbnail((inner, inner), Image.Resampling.LANCZOS)
    canvas = Image.new("RGBA", (size, size), "white" if maskable else (0, 0, 0, 0))
    canvas.alpha_composite(picture, ((size - picture.width) // 2, (size - picture.height) // 2))
    return canvas
