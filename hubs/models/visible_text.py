"""Short texts by which people recognise a hub or a person: avatars and display names."""

import unicodedata
from typing import Any

from hubs.errors import InvalidInput
from hubs.i18n import _

#: Most user-perceived characters of an avatar, and the most code points that they may consist of.
CHARACTERS, CODE_POINTS = 2, 16
#: U+200D joins the emoji before and after it into one.
_JOINER = "\u200d"
#: Characters with the property Bidi_Control: they can make a name look like another one.
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: Letters, symbols and marks that are blank, or invisible on their own.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_VARIATION_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def clean_avatar(value: Any) -> str:
    """Return the text of an avatar, normalised; empty means the first letter of the hub's name.

    :raises InvalidInput: when it is too long or contains invisible characters.
    """
    text = unicodedata.normalize("NFC", str(value or "").strip())
    invisible = any(unicodedata.category(sign)[0] in "CZ" for sign in text if sign != _JOINER)
    if invisible or len(text) > CODE_POINTS or _length(text) > CHARACTERS:
        raise InvalidInput(_("Please write one or two letters, or an emoji."))
    return text


def clean_name(value: Any) -> str:
    """Return a display name on one line, without blanks at its ends; empty means that there is none.

    :raises InvalidInput: when it has no visible character, or controls of the direction of text.
    """
    text = " ".join(str(value or "").split())
    if any(sign in _BIDI_CONTROLS for sign in text):
        raise InvalidInput(_("This contains invisible characters that change the text direction; please remove them."))
    start, end = 0, len(text)
    while start < end and is_blank(text[start]):
        start += 1
    # Joiners and variation selectors at the end may belong to an emoji, so only white space goes there.
    while end > start and is_blank(text[end - 1]) and not _belongs_to_previous(text[end - 1]):
        end -= 1
    if text and start == end:
        raise InvalidInput(_("Please use at least one visible character."))
    return text[start:end]


def usable_name(value: Any) -> str:
    """Return a display name that another service sent, or an empty one where `clean_name` would refuse it."""
    try:
        return clean_name(value)
    except InvalidInput:
        return ""


def is_blank(sign: str) -> bool:
    """Return whether a character shows nothing: white space of any script, controls, and blank letters."""
    return unicodedata.category(sign)[0] in "CZ" or sign in _BLANK or _belongs_to_previous(sign)


def _belongs_to_previous(sign: str) -> bool:
    return any(ord(sign) in selectors for selectors in _VARIATION_SELECTORS)


def _length(text: str) -> int:
    """Return the number of user-perceived characters: marks and joined emoji belong to the character before them."""
    signs = [sign for sign in text if unicodedata.category(sign) not in ("Mn", "Mc", "Me", "Sk")]
    return len(signs) - 2 * signs.count(_JOINER)
