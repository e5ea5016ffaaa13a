"""Parses a search into words, and measures how close words are to each other."""

import re
import unicodedata
from dataclasses import dataclass

#: Most characters and words of a search; the rest is ignored.
MOST_LETTERS = 100
MOST_WORDS = 8
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Query:
    """A parsed search: the text in lower case with single spaces, and its words."""

    text: str = ""
    words: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is anything to search for."""
        return bool(self.words)


def read(typed: str) -> Query:
    """Parse a search. Punctuation only separates words: there is no query syntax."""
    folded = unicodedata.normalize("NFKC", typed[:MOST_LETTERS]).lower()
    words = tuple(dict.fromkeys(_WORD.findall(folded)))[:MOST_WORDS]
    return Query(" ".join(folded.split()).replace("\x00", ""), words)


def trigrams(word: str) -> frozenset[str]:
    """Return the trigrams of a word, padded with two spaces before and one after it, as pg_trgm does."""
    padded = f"  {word} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def halves(word: str) -> tuple[str, ...]:
    """Return both ends of a word, at least three letters each: a single wrong letter leaves one of them intact."""
    size = max(3, (len(word) - 1) // 2)
    return (word[:size], word[-size:]) if len(word) >= size else ()


def closeness(query: Query, title: str) -> float:
    """Return how close a search is to a title, from 0 to 1: the closeness of its least close word."""
    candidates = [trigrams(word) for word in _WORD.findall(title.lower())]
    return min((_best(trigrams(word), candidates) for word in query.words), default=0.0)


def _best(word: frozenset[str], candidates: list[frozenset[str]]) -> float:
    # A search is often the beginning of a word, so the surplus of the longer word counts half.
    return max((len(word & other) / (len(word) + len(other - word) / 2) for other in candidates), default=0.0)
