"""The looks of a hub: colours, patterns and icons, and whether it shows presence."""

from enum import StrEnum


class Banner(StrEnum):
    """The colours of a hub's page and emblem; each contrasts with white, in the light and the dark theme."""

    #: A hue derived from the hub's name.
    SITE = ""
    BLUE = "blue"
    GREEN = "green"
    TEAL = "teal"
    MOSS = "moss"
    PURPLE = "purple"
    PLUM = "plum"
    RED = "red"
    BROWN = "brown"
    SLATE = "slate"


class Pattern(StrEnum):
    """The ready-made patterns of a hub's banner."""

    RINGS = ""
    DOTS = "dots"
    WAVES = "waves"
    PLAIN = "plain"


class HubIcon(StrEnum):
    """Icons that a team can choose as its emblem: symbols of ``static/icons.svg``."""

    NONE = ""
    BOOK = "book-open"
    CHIP = "cpu"
    FLASK = "flask-conical"
    LEAF = "leaf"
    LANGUAGES = "languages"
    MEGAPHONE = "megaphone"
    PACKAGE = "package"
    PALETTE = "palette"
    ROCKET = "rocket"
    SHIELD = "shield"
    TERMINAL = "terminal"
    WRENCH = "wrench"


class Presence(StrEnum):
    """Whether the pages of a hub show how many people are there."""

    SHOWN = "shown"
    HIDDEN = "hidden"
