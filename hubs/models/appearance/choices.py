"""The looks of a hub as choices of fields, with the names that people read."""

from hubs.i18n import N_
from hubs.models.appearance.looks import Banner, HubIcon, Pattern

#: The colours as choices of a field.
BANNERS = [
    (Banner.SITE.value, N_("Automatic")),
    (Banner.BLUE.value, N_("Blue")),
    (Banner.GREEN.value, N_("Green")),
    (Banner.TEAL.value, N_("Teal")),
    (Banner.MOSS.value, N_("Moss")),
    (Banner.PURPLE.value, N_("Purple")),
    (Banner.PLUM.value, N_("Plum")),
    (Banner.RED.value, N_("Red")),
    (Banner.BROWN.value, N_("Brown")),
    (Banner.SLATE.value, N_("Slate")),
]
#: The patterns as choices of a field.
PATTERNS = [
    (Pattern.RINGS.value, N_("Rings")),
    (Pattern.DOTS.value, N_("Dots")),
    (Pattern.WAVES.value, N_("Waves")),
    (Pattern.PLAIN.value, N_("Plain")),
]
#: The icons as choices of a field.
ICONS = [
    (HubIcon.NONE.value, N_("Letters")),
    (HubIcon.BOOK.value, N_("Book")),
    (HubIcon.CHIP.value, N_("Chip")),
    (HubIcon.FLASK.value, N_("Flask")),
    (HubIcon.LEAF.value, N_("Leaf")),
    (HubIcon.LANGUAGES.value, N_("Languages")),
    (HubIcon.MEGAPHONE.value, N_("Megaphone")),
    (HubIcon.PACKAGE.value, N_("Package")),
    (HubIcon.PALETTE.value, N_("Palette")),
    (HubIcon.ROCKET.value, N_("Rocket")),
    (HubIcon.SHIELD.value, N_("Shield")),
    (HubIcon.TERMINAL.value, N_("Terminal")),
    (HubIcon.WRENCH.value, N_("Wrench")),
]
