"""A hub as a document: its record, its people and its layout, as stored in files, revisions and drafts.

Widgets are identified by their ``id`` within the hub and pages by their ``slug``, which stay the same on another
instance. Documents never contain secrets; when one is applied, widgets keep the secrets that they have.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, field_validator, model_validator

from hubs.errors import Conflict, InvalidInput
from hubs.i18n import _
from hubs.models import GRID, PAGES, SIDES, Hub, Page, RoleName, Visibility, Widget, Width
from hubs.models.hub import PAGE_TITLE_LENGTH, SLUG_LENGTH
from hubs.models.hub_fields import HUB_FIELDS, HubField, values
from hubs.models.visible_text import clean_name
from hubs.widgets.parameters import Parameter
from hubs.widgets.registry import Registry
from hubs.widgets.schema import Schema

#: Most widgets in one document, on all its pages; most people in one list.
WIDGETS, PEOPLE = 60, 5000
#: Largest document, in characters of JSON. It is bounded because every change stores one as a revision.
SIZE = 500_000
_STRICT = ConfigDict(extra="forbid", frozen=True)
#: A zone of a page: the page's slug, empty for the home page, and one of `SIDES`.
Zone = tuple[str, str]


class WidgetDocument(BaseModel):
    """A widget of a document: its type, heading and settings; omitted settings have their defaults."""

    model_config = _STRICT

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    widget: str = Field(min_length=1, max_length=128)
    title: str = Field("", max_length=128)
    visibility: Visibility = Visibility.PUBLIC
    #: How much of a row it takes, below the columns.
    width: Width = Width.THIRD
    settings: dict[str, Any] = {}


def _check_ids(ids: Sequence[str]) -> None:
    if len(ids) > WIDGETS:
        raise ValueError(f"a hub holds at most {WIDGETS} widgets")
    duplicates = sorted({widget_id for widget_id in ids if ids.count(widget_id) > 1})
    if duplicates:
        raise ValueError(f"ids must be unique; {', '.join(duplicates)} is used more than once")


class Layout(BaseModel):
    """The widgets of both columns and of the rows below them, top first."""

    model_config = _STRICT

    left: list[WidgetDocument] = []
    right: list[WidgetDocument] = []
    below: list[WidgetDocument] = []

    @model_validator(mode="after")
    def _distinct(self) -> "Layout":
        _check_ids([widget.id for widget in (*self.left, *self.right, *self.below)])
        return self


class PageDocument(BaseModel):
    """A further page of a document, with a layout of its own."""

    model_config = _STRICT

    slug: str = Field(pattern=rf"^[a-z0-9][a-z0-9-]{{0,{SLUG_LENGTH - 1}}}$")
    title: str = Field(min_length=1, max_length=PAGE_TITLE_LENGTH)
    visibility: Visibility = Visibility.PUBLIC
    left_width: int = Field(8, ge=1, le=GRID - 1)
    widgets: Layout = Layout()

    @field_validator("title")
    @classmethod
    def _title(cls, value: str) -> str:
        try:
            return clean_name(value)
        except InvalidInput as error:
            raise ValueError(str(error)) from None


def _annotation(field: HubField) -> tuple[Any, Any]:
    """Return a field's type and default for pydantic."""
    if field.kind == "choice":
        return field.values or Literal[tuple(value for value, _label in field.choices)], _default(field)
    if field.kind == "number":
        return Annotated[int, Field(ge=field.minimum, le=field.maximum)], field.default
    if field.kind == "switch":
        return bool, field.default
    return Annotated[str, Field(max_length=field.max_length)], field.default


def _default(field: HubField) -> Any:
    return field.values(field.default) if field.values else field.default


_COLUMNS = tuple(field for field in HUB_FIELDS if field.stored_in == "column")
_ACCOUNTS = tuple(field.name for field in HUB_FIELDS if field.stored_in == "extras")
#: The fields of a hub's record that owners edit; the document has them under the same names.
RECORD = tuple(field.name for field in _COLUMNS if field.permission == "edit")
#: The other ones: what only operators set, and whether the hub is archived.
OTHERS = tuple(field.name for field in _COLUMNS if field.permission != "edit")
if TYPE_CHECKING:
    _Record = BaseModel
else:
    _Record = create_model("_Record", __config__=_STRICT, **{field.name: _annotation(field) for field in _COLUMNS})


class HubDocument(_Record):
    """A whole hub: the declared fields of its record, its people, its widgets and its further pages.

    ``accounts`` are the fields in ``extras``. ``owners`` and ``members`` are usernames; None means that applying the
    document leaves these roles alone.
    """

    model_config = _STRICT

    hub: str = Field(min_length=1, max_length=64)
    kind: str = "team"
    accounts: dict[str, str] = Field(default_factory=dict)
    owners: list[str] | None = Field(None, max_length=PEOPLE)
    members: list[str] | None = Field(None, max_length=PEOPLE)
    widgets: Layout = Layout()
    pages: list[PageDocument] = Field([], max_length=PAGES)

    @model_validator(mode="after")
    def _distinct(self) -> "HubDocument":
        slugs = [page.slug for page in self.pages]
        duplicates = sorted({slug for slug in slugs if slugs.count(slug) > 1})
        if duplicates:
            raise ValueError(f"slugs must be unique; {', '.join(duplicates)} is used more than once")
        _check_ids([widget.id for widget in every_widget(self)])
        return self

    @field_validator("accounts")
    @classmethod
    def _accounts(cls, value: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(value) - set(_ACCOUNTS))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is none of {', '.join(_ACCOUNTS)}")
        return {name: text for name, text in value.items() if text}

    def value(self, name: str) -> Any:
        """Return the value of a field of the record: one of `RECORD` or `OTHERS`."""
        return getattr(self, name)

    def record(self) -> dict[str, Any]:
        """Return the fields of the hub's record, as `hubs.actions.hubs.update` takes them."""
        return {**{name: self.value(name) for name in RECORD}, **dict.fromkeys(_ACCOUNTS, ""), **self.accounts}

    def plain(self) -> dict[str, Any]:
        """Return the document as JSON types, without fields that have their default."""
        fields = self.model_dump(mode="json", exclude_defaults=True)
        return {"hub": self.hub, "kind": self.kind, **fields}


def zones(document: HubDocument) -> dict[Zone, list[WidgetDocument]]:
    """Return the widgets of each zone, top first: those of the home page, then those of further pages in order."""
    layouts = {"": document.widgets, **{page.slug: page.widgets for page in document.pages}}
    return {(slug, side): list(getattr(layout, side)) for slug, layout in layouts.items() for side in SIDES}


def with_zones(document: HubDocument, rows: Mapping[Zone, Sequence[WidgetDocument]]) -> HubDocument:
    """Return the document with these widgets in its zones; a zone that is not among them is empty."""

    def layout(slug: str) -> Layout:
        return Layout(**{side: list(rows.get((slug, side), ())) for side in SIDES})

    pages = [page.model_copy(update={"widgets": layout(page.slug)}) for page in document.pages]
    return document.model_copy(update={"widgets": layout(""), "pages": pages})


def every_widget(document: HubDocument) -> Iterator[WidgetDocument]:
    """Yield all widgets, zone by zone."""
    for widgets in zones(document).values():
        yield from widgets


def check_size(document: HubDocument) -> None:
    """Check that a page is small enough to be stored with its history.

    :raises Conflict: when it is too large.
    """
    if len(document.model_dump_json()) > SIZE:
        raise Conflict(_("This page holds too much text. Remove a widget, or shorten what its settings say."))


def read(data: Any) -> HubDocument:
    """Return the document in ``data``, which was parsed from YAML or JSON.

    :raises InvalidInput: listing every invalid place, with the reason.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput(_("This is not a hub: the file must begin with a line such as `hub: docs`."))
    try:
        return HubDocument.model_validate(data)
    except ValidationError as error:
        errors = {_place(problem["loc"]): _reason(problem) for problem in error.errors(include_input=False)}
        listed = "; ".join(f"{place}: {reason}" for place, reason in errors.items())
        raise InvalidInput(_("The document is not valid. %(listed)s") % {"listed": listed}, errors) from None


def describe(hub: Hub, registry: Registry, *, people: bool = False) -> HubDocument:
    """Return a hub as a document, with owners and members if ``people`` is set."""
    roles: dict[str, list[str]] = {}
    if people:
        roles["owners"] = [user.username for user in hub.people(RoleName.OWNER)]
        roles["members"] = [user.username for user in hub.people(RoleName.MEMBER)]
    accounts = {name: str(text) for name, text in sorted((hub.extras or {}).items()) if text and name in _ACCOUNTS}
    return HubDocument(
        hub=hub.name,
        kind=hub.kind,
        accounts=accounts,
        owners=roles.get("owners"),
        members=roles.get("members"),
        widgets=_layout(hub, None, registry),
        pages=[_page(page, registry) for page in hub.pages],
        **values(hub, _COLUMNS),
    )


def without_defaults(parameters: Sequence[Parameter], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that differ from the defaults of ``parameters``."""
    defaults = {parameter.name: parameter.default for parameter in parameters}
    return {name: value for name, value in settings.items() if name not in defaults or defaults[name] != value}


def _layout(hub: Hub, page: Page | None, registry: Registry) -> Layout:
    return Layout(**{side: [_widget(row, registry) for row in hub.column(side, page)] for side in SIDES})


def _page(page: Page, registry: Registry) -> PageDocument:
    return PageDocument(
        slug=page.slug,
        title=page.title,
        visibility=page.visibility or Visibility.PUBLIC,
        left_width=page.left_width,
        widgets=_layout(page.hub, page, registry),
    )


def _widget(row: Widget, registry: Registry) -> WidgetDocument:
    widget_type = registry.get(row.plugin)
    schema = widget_type.schema if widget_type else Schema(())
    return WidgetDocument(
        id=row.key,
        widget=row.plugin,
        title=row.label or "",
        visibility=row.visibility or Visibility.PUBLIC,
        width=Width(row.width or Width.THIRD),
        settings=without_defaults(schema.parameters, schema.shown(row.settings or {})),
    )


def _place(location: tuple[int | str, ...]) -> str:
    """Describe a place in a document, counting from 1: ``widgets, left, 2, title``."""
    return ", ".join(str(part + 1) if isinstance(part, int) else part for part in location) or "document"


def _reason(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown field"
    return str(problem["msg"]).removeprefix("Value error, ")
