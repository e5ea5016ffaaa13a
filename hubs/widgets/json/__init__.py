"""A small table from any JSON document, without code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hubs.clients.documents import pick, shown
from hubs.clients.http.response import link, tidy
from hubs.errors import NeedsSetup, UpstreamForbidden
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView

#: Rows and columns that are kept of a document.
ROWS, COLUMNS = 500, 8


class JSON(Widget):
    """A table from a document."""

    name = "json"
    label = N_("Table")
    summary = N_("A small table from any address that answers with JSON; no code needed.")
    icon = "table"
    lifetime = 600
    parameters: ClassVar = [
        Parameter(
            "url",
            label=N_("Address"),
            default="",
            kind="url",
            required=True,
            help=N_("An address on a public web server that answers with JSON."),
        ),
        Parameter(
            "rows",
            label=N_("Path to the rows"),
            default="",
            help=N_("Names separated by dots, for example: data.items. If empty, the whole document."),
        ),
        Parameter(
            "columns",
            label=N_("Columns"),
            default=[],
            kind="rows",
            help=N_("What to show of each row. Without columns, the first fields of the first row are shown."),
            fields=[
                Parameter("title", label=N_("Heading")),
                Parameter("path", label=N_("Path to the value"), help=N_("For example: owner.name"), required=True),
                Parameter("link", label=N_("Path to the link"), help=N_("For example: html_url. May stay empty.")),
            ],
        ),
        Parameter("limit", label=N_("Rows shown"), default=10, kind="number", minimum=1, maximum=50),
    ]


@dataclass(frozen=True)
class Column:
    """One column: its heading, and the paths of its text and of its link."""

    title: str
    path: str
    link: str = ""


@dataclass(frozen=True)
class Table:
    """The part of a document that is shown: headings, and rows of (text, address) cells; the address may be empty."""

    titles: tuple[str, ...]
    rows: tuple[tuple[tuple[str, str], ...], ...]


class GetTable(CachedFunction):
    """Fetches the document and extracts the table."""

    def interests(self) -> list[Interest]:
        """Match nothing: only time makes it stale."""
        return []

    def execute(self) -> Table:
        """Return the table.

        :raises NeedsSetup: if there is no address, it may not be read, or nothing is at the given path.
        """
        config = self.instance.config
        if not config["url"]:
            raise NeedsSetup(_("Which document? An owner can write its address in this widget's settings."))
        try:
            document = self.clients.documents.read(config["url"])
        except UpstreamForbidden as error:
            raise NeedsSetup(str(error)) from None
        return table(document, config["rows"] or "", _columns(config["columns"] or ()))


class JSONView(RootWidgetView):
    """Shows the table."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the headings, and the rows to show."""
        table = GetTable(instance)()
        return {"titles": table.titles, "shown": cut(table.rows, instance.config["limit"] or 10, page)}


def _columns(rows: Any) -> list[Column]:
    return [Column(row.get("title") or row["path"], row["path"], row.get("link") or "") for row in rows][:COLUMNS]


def table(document: Any, path: str, columns: list[Column]) -> Table:
    """Extract a table from a document: one row for each entry of the list at ``path``, or a single row for an object.

    :raises NeedsSetup: when there is neither a list nor an object at ``path``.
    """
    value = pick(document, path)
    entries = [value] if isinstance(value, Mapping) else value
    if not isinstance(entries, list):
        text = _("There are no rows at “{path}”. An owner can correct the path in this widget's settings.")
        raise NeedsSetup(text.format(path=path or "."))
    columns = columns or _default_columns(entries)
    rows = tuple(tuple(_cell(entry, column) for column in columns) for entry in entries[:ROWS])
    return Table(tuple(column.title for column in columns), rows)


def _default_columns(entries: list[Any]) -> list[Column]:
    """Return the first fields of the first row with plain values; a list of plain values is a single column."""
    first = entries[0] if entries else {}
    if not isinstance(first, Mapping):
        return [Column("", "")]
    names = [str(name) for name, value in first.items() if not isinstance(value, Mapping | list) and "." not in name]
    return [Column(tidy(name, 60), name) for name in names[:4]]


def _cell(entry: Any, column: Column) -> tuple[str, str]:
    value = pick(entry, column.path)
    address = link(pick(entry, column.link)) if column.link else link(value)
    return shown(value), address
