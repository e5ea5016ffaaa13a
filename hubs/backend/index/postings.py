"""Posting lists: packed numbers by key, eight bytes each, safe to read while one thread writes."""

from array import array
from collections.abc import Callable, Iterable


def append(lists: dict[str, "array[int]"], entries: Iterable[tuple[str, int]]) -> None:
    """Append each number to the list of its key."""
    grouped: dict[str, list[int]] = {}
    for key, entry in entries:
        grouped.setdefault(key, []).append(entry)
    for key, numbers in grouped.items():
        numbers_of_key = lists.get(key)
        if numbers_of_key is None:
            lists[key] = array("Q", numbers)  # without spare room: most keys never get more
        else:
            numbers_of_key.extend(numbers)


def drop(lists: dict[str, "array[int]"], keys: Iterable[str], is_gone: Callable[[int], bool]) -> None:
    """Remove numbers from the lists of ``keys``; remove lists that are empty then.

    A list is replaced, never changed: another thread may be iterating over it.
    """
    for key in keys:
        remaining = array("Q", (number for number in lists.get(key, ()) if not is_gone(number)))
        if remaining:
            lists[key] = remaining
        else:
            lists.pop(key, None)
