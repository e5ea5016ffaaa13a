"""Colours of an instance: contrast by WCAG 2, and a colour of the same hue that has enough of it."""

import colorsys
import re

#: Contrast that WCAG 2 demands of text, level AA.
ENOUGH = 4.5
#: The cards of the two themes, on which the accent colour is read; the light one is also the text on buttons.
LIGHT, DARK = "#ffffff", "#161b24"

_HEX = re.compile(r"#[0-9a-f]{6}")


def is_colour(text: str) -> bool:
    """Return whether ``text`` is a colour such as ``#2554c7``."""
    return _HEX.fullmatch(text) is not None


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable_on(background: str, colour: str) -> str:
    """Return the nearest colour of the same hue and saturation that can be read on ``background``."""
    if contrast(colour, background) >= ENOUGH:
        return colour
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(colour))
    step = -0.01 if _luminance(background) > 0.5 else 0.01
    while 0 <= lightness <= 1:
        lightness += step
        candidate = _text(*colorsys.hls_to_rgb(hue, min(1.0, max(0.0, lightness)), saturation))
        if contrast(candidate, background) >= ENOUGH:
            return candidate
    return DARK if step < 0 else LIGHT


def mixed(colour: str, background: str, share: float) -> str:
    """Return ``colour`` mixed into ``background``; ``share`` is the part of the colour, from 0 to 1."""
    pairs = zip(_channels(colour), _channels(background), strict=True)
    return _text(*(share * first + (1 - share) * second for first, second in pairs))


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    linear = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in _channels(colour))
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _text(red: float, green: float, blue: float) -> str:
    return "#" + "".join(f"{round(value * 255):02x}" for value in (red, green, blue))
