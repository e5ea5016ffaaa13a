"""A language in which every text is a third longer and has accents, made from the English one: for tests of layout."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from gettext import NullTranslations

import pytest

from hubs import i18n

#: Esperanto: Babel knows it, nobody here translates it, and so no other test finds anything of it in a cache.
PSEUDO = "eo"
#: What a text holds besides words: placeholders, tags and references.
_KEPT = re.compile(r"(%\(\w+\)[sd]|%%|<[^>]+>|&\w+;|\{\w*\})")
_VOWELS = dict(zip("aeiouAEIOU", "àéîöûÀÉÎÖÛ", strict=True))


class _Longer(NullTranslations):
    def gettext(self, message: str) -> str:
        parts = _KEPT.split(message)
        parts[::2] = [re.sub("[aeiouAEIOU]", lambda vowel: _VOWELS[vowel[0]] * 2, part) for part in parts[::2]]
        return "".join(parts)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


@contextmanager
def pseudo_language() -> Iterator[None]:
    """Offer the language for the block; applications must be created within it."""
    locales, catalogue, longer = i18n.locales(), i18n._catalogue, _Longer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(i18n, "locales", cache(lambda: (*locales, PSEUDO)))
        patch.setattr(i18n, "_catalogue", lambda locale: longer if locale == PSEUDO else catalogue(locale))
        yield
