"""Long lists: a hub shows the first entries, the widget's own page ``/w/<id>/more`` shows all of them.

A view with a long list sets ``paged`` and takes ``page`` in its context; the template ends with the macro that links
to the rest::

    class TidesView(RootWidgetView):
        paged = True

        def get_context(self, instance, *args, page=0, **kwargs):
            return {"tides": cut(GetTides(instance)(), instance.config["limit"], page)}

    {% from "more.html" import more %}
    {% for tide in tides.items %}…{% endfor %}
    {{ more(tides, instance) }}
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hubs.errors import NotFound
from hubs.i18n import _

T = TypeVar("T")
#: Entries per page of the whole list.
PER_PAGE = 50


@dataclass(frozen=True)
class Shown(Generic[T]):
    """The visible part of a list.

    ``page`` is 0 on a hub, and counts from 1 on the page of the whole list. ``more`` is True if entries follow;
    ``rest`` is their number, or 0 if it is unknown.
    """

    items: Sequence[T]
    page: int = 0
    more: bool = False
    rest: int = 0


def cut(entries: Sequence[T], limit: int, page: int = 0) -> Shown[T]:
    """Return the first ``limit`` entries, or the entries of a page.

    :raises NotFound: when the list has no such page.
    """
    start, size = span(limit, page)
    items = entries[start : start + size]
    if page > 1 and not items:
        raise no_such_page()
    rest = max(0, len(entries) - start - size)
    return Shown(items, page, rest > 0, rest)


def span(limit: int, page: int) -> tuple[int, int]:
    """Return the offset and limit of a query; fetch one entry more to know whether others follow."""
    return ((page - 1) * PER_PAGE, PER_PAGE) if page else (0, limit)


def no_such_page() -> NotFound:
    """Return the error for a page beyond the end of a list."""
    return NotFound(_("There is no such page: the list is shorter."))
