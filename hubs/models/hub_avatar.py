"""The text in a hub's avatar: one or two letters, or an emoji."""

import unicodedata
from typing import Any

from hubs.errors import InvalidInput
from hubs.i18n import _

#: Most user-perceived characters, and the most code points that they may consist of.
CHARACTERS, CODE_POINTS = 2, 16
#: U+200D joins the emoji before and after it into one.
_JOINER = "\u200d"


def clean(value: Any) -> str:
    """Return the text of an avatar, normalised; empty means the first letter of the hub's name.

    :raises InvalidInput: when it is too long or contains invisible characters.
    """
    text = unicodedata.normalize("NFC", str(value or "").strip())
    invisible = any(unicodedata.category(sign)[0] in "CZ" for sign in text if sign != _JOINER)
    if invisible or len(text) > CODE_POINTS or _length(text) > CHARACTERS:
        raise InvalidInput(_("Please write one or two letters, or an emoji."))
    return text


def _length(text: str) -> int:
    """Return the number of user-perceived characters: marks and joined emoji belong to the character before them."""
    signs = [sign for sign in text if unicodedata.category(sign) not in ("Mn", "Mc", "Me", "Sk")]
    return len(signs) - 2 * signs.count(_JOINER)
