"""Lists of numbers by key, packed: eight bytes a number, and safe to read while one thread writes."""

from array import array
from collections.abc import Callable, Iterable


def append(lists: dict[str, "array[int]"], entries: Iterable[tuple[str, int]]) -> None:
    """Put each number at the end of the list of its key."""
    grouped: dict[str, list[int]] = {}
    for key, entry in entries:
        grouped.setdefault(key, []).append(entry)
    for key, numbers in grouped.items():
        held = lists.get(key)
        if held is None:
            lists[key] = array("Q", numbers)  # as long as it must be: most keys never get more
        else:
            held.extend(numbers)


def drop(lists: dict[str, "array[int]"], keys: Iterable[str], is_gone: Callable[[int], bool]) -> None:
    """Replace the lists of ``keys`` by ones without the numbers that are gone; forget those that are empty then."""
    for key in keys:
        left = array("Q", (one for one in lists.get(key, ()) if not is_gone(one)))
        if left:
            lists[key] = left
        else:
            lists.pop(key, None)
