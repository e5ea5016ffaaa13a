"""What stands in a hub's round picture: one or two letters, or an emoji."""

import unicodedata
from typing import Any

from hubs.errors import InvalidInput
from hubs.i18n import _

#: Characters as people see them, and the code points that these may take.
SIGNS, POINTS = 2, 16
#: Joins the emoji before it and after it to one.
_JOINER = "\u200d"


def read(value: Any) -> str:
    """Return what a person wrote for a hub's round picture; empty means the first letter of the hub's name.

    :raises InvalidInput: when it does not fit, or holds what nobody sees.
    """
    text = unicodedata.normalize("NFC", str(value or "").strip())
    unseen = any(unicodedata.category(sign)[0] in "CZ" for sign in text if sign != _JOINER)
    if unseen or len(text) > POINTS or _count(text) > SIGNS:
        raise InvalidInput(_("Please write one or two letters, or an emoji."))
    return text


def _count(text: str) -> int:
    """Return how many characters people see: marks and joined emoji are one with what stands before them."""
    signs = [sign for sign in text if unicodedata.category(sign) not in ("Mn", "Mc", "Me", "Sk")]
    return len(signs) - 2 * signs.count(_JOINER)
