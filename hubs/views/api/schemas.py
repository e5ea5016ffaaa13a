"""Schemas of requests and responses: they validate, serialize, and appear in the OpenAPI document."""

from collections.abc import Iterable
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from hubs.actions.widgets import LIMIT
from hubs.models import SIDES, RoleName, Scope, Visibility, Width
from hubs.models.hub_fields import HUB_FIELDS, HubField
from hubs.widgets.registry import POSITIONS


def text(description: str = "", **more: Any) -> fields.String:
    """Return a required text field."""
    return fields.String(required=True, metadata={"description": description} if description else {}, **more)


def choice(of: Iterable[str], description: str = "", **more: Any) -> fields.String:
    """Return a text field with an enumeration for the document; the actions validate it with better messages."""
    described = {"description": description} if description else {}
    return fields.String(metadata={"enum": list(of), **described}, **more)


def timestamp(description: str = "", **more: Any) -> fields.AwareDateTime:
    """Return a required point in time, in UTC."""
    return fields.AwareDateTime(required=True, metadata={"description": description} if description else {}, **more)


class Problem(Schema):
    """Problem details of RFC 9457."""

    type = text()
    title = text()
    status = fields.Integer(required=True)
    detail = text("What happened, and what to do about it.")
    by_field = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        data_key="fields",
        metadata={"description": "A sentence for each field."},
    )


def record(of: Iterable[HubField], *, sent: bool = False) -> dict[str, fields.Field[Any]]:
    """Return the schema fields of declared hub fields: required in responses, optional if ``sent`` to change a hub."""
    return {field.name: _field(field, sent=sent) for field in of}


def _field(field: HubField, *, sent: bool) -> fields.Field[Any]:
    described = {"description": " ".join(part for part in (f"{field.label}.", field.help) if part)}
    if field.kind == "choice":
        return choice([value for value, _label in field.choices], described["description"], required=not sent)
    if field.kind == "number":
        limits = {"minimum": field.minimum, "maximum": field.maximum}
        return fields.Integer(required=not sent, strict=sent, metadata={**described, **limits})
    if field.kind == "switch":
        return fields.Boolean(required=not sent, metadata=described)
    return fields.String(required=not sent, metadata={**described, "maxLength": field.max_length})


API_FIELDS = tuple(field for field in HUB_FIELDS if field.in_api)
#: Fields in lists of hubs, further fields for everybody who sees a hub, and fields for its owners.
BRIEF_FIELDS = tuple(field for field in API_FIELDS if field.in_lists)
RECORD_FIELDS = tuple(field for field in API_FIELDS if field.stored_in == "column" and not field.in_lists)
SETTINGS_FIELDS = tuple(field for field in API_FIELDS if field.stored_in == "extras")


class HubBrief(Schema):
    """A hub in a list."""

    class Meta:
        """The declared fields."""

        include = record(BRIEF_FIELDS)

    id = fields.Integer(required=True)
    kind = text("`user`, `team`, `project`, …")
    name = text()
    title = text("The display name, or the name where there is none.")
    last_activity = timestamp(allow_none=True)
    url = text("The page for people.")
    picture_url = text("The emblem of a team, or the picture of a person.", allow_none=True)
    api_url = text()


class Hub(HubBrief):
    """A hub; ``settings`` is included for people who may change them."""

    class Meta:
        """The declared fields."""

        include = record(RECORD_FIELDS)

    cover_url = text("The picture behind the hub's name.", allow_none=True)
    version = fields.Integer(required=True)
    created_on = timestamp()
    roles = fields.List(choice(RoleName), required=True, metadata={"description": "Your own roles."})
    may = fields.List(fields.String(), required=True, metadata={"description": "What you may do here."})
    feed_url = text("Atom.")
    settings = fields.Dict(keys=fields.String(), values=fields.Raw())


class Body(Schema):
    """A request body that rejects unknown fields."""

    class Meta:
        """Misspelt names are errors instead of being ignored."""

        unknown = RAISE


HubChanges = Body.from_dict(record(API_FIELDS, sent=True), name="HubChanges")


class Widget(Schema):
    """A widget; ``settings``, without secrets, is included for people who may change them."""

    id = fields.Integer(required=True)
    hub = text("The hub's address in this API.")
    type = text()
    label = text()
    page = text("The slug of the page that it is on; empty for the home page.")
    side = choice(SIDES, required=True)
    width = choice(Width, "How much of a row it takes below the columns.", required=True)
    position = fields.Integer(required=True, metadata={"description": "From the top, from 0."})
    visibility = choice(Visibility, required=True)
    version = fields.Integer(required=True)
    updated_on = timestamp()
    url = text("The page for people.")
    content_url = text("Its content as JSON.")
    calendar_url = text("An iCalendar file, of widgets that show meetings.", allow_none=True)
    settings = fields.Dict(keys=fields.String(), values=fields.Raw())


class WidgetNew(Body):
    """A widget to add at the end of a column; see ``/widget-types/{name}`` for its settings."""

    type = text()
    page = fields.String(load_default="", metadata={"description": "The slug of a page; empty for the home page."})
    side = choice(SIDES, load_default="left")
    width = choice(Width, load_default=Width.THIRD.value)
    label = fields.String(load_default="")
    visibility = choice(Visibility, load_default=Visibility.PUBLIC.value)
    settings = fields.Dict(keys=fields.String(), values=fields.Raw(allow_none=True), load_default=dict)


class WidgetChanges(Body):
    """Changes of a widget: omitted settings and empty secrets stay as they are; null clears a secret."""

    label = fields.String()
    visibility = choice(Visibility)
    settings = fields.Dict(keys=fields.String(), values=fields.Raw(allow_none=True))
    page = fields.String(metadata={"description": "The slug of a page; empty for the home page."})
    side = choice(SIDES)
    width = choice(Width)
    position = fields.Integer(
        strict=True,
        validate=validate.Range(0, LIMIT),
        metadata={"description": "From the top, from 0; beyond the last one means at the end."},
    )


class WidgetType(Schema):
    """A widget type; ``settings`` is a JSON schema."""

    name = text()
    label = text()
    summary = text()
    position = choice(POSITIONS, "The zones in which it fits; `both` are the columns.", required=True)
    kinds = fields.List(fields.String(), required=True, metadata={"description": "Of hubs; empty means all."})
    settings = fields.Dict(keys=fields.String(), values=fields.Raw(), required=True)


class Role(Schema):
    """One role of one person on a hub."""

    username = text()
    fullname = text()
    role = choice(RoleName, required=True)
    since = timestamp()


class Outcome(Schema):
    """The result of a request for a role: granted at once, or waiting for approval."""

    state = choice(("given", "requested"), required=True)


class Entry(Schema):
    """One message of a feed."""

    id = fields.Integer(required=True)
    category = text()
    sentence = text()
    link = text("An address, or empty.")
    sent_at = timestamp()
    people = fields.List(fields.String(), required=True)


class MyRole(Schema):
    """One of a person's own roles."""

    hub = text()
    role = choice(RoleName, required=True)


class Me(Schema):
    """The current person."""

    username = text()
    fullname = text()
    timezone = text()
    locale = text()
    activity = choice(Visibility, "Who may see what you do.", required=True)
    unlisted = fields.Boolean(required=True)
    quiet_unfollow = fields.Boolean(required=True)
    created_on = timestamp()
    picture_url = text(allow_none=True)
    roles = fields.List(fields.Nested(MyRole), required=True)


class Token(Schema):
    """One of a person's own tokens, without its text."""

    id = fields.Integer(required=True)
    name = text()
    scope = choice(Scope, required=True)
    created_on = timestamp()
    expires_on = timestamp()
    revoked_on = timestamp(allow_none=True)
    last_used = timestamp(allow_none=True)


class Pushed(Schema):
    """The external content of a widget."""

    content = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(),
        required=True,
        metadata={"description": "As it can be sent again."},
    )
    pushed_at = timestamp()


class Put(Schema):
    """The result of sending external content."""

    widget = fields.Integer(required=True)
    changed = fields.Boolean(required=True, metadata={"description": "Whether it differs from the previous content."})


class Hit(Schema):
    """A search result."""

    kind = choice(("team", "person", "widget"), required=True)
    id = fields.Integer(required=True)
    name = text()
    title = text()
    detail = text()
    hub = text("The title of the hub that a widget is on.")
    url = text("The page for people.")
    guessed = fields.Boolean(required=True, metadata={"description": "Whether it matches by similar spelling only."})


class Hits(Schema):
    """The results of a search."""

    query = text("The normalized query.")
    items = fields.List(fields.Nested(Hit), required=True)


def listed(of: type[Schema]) -> type[Schema]:
    """Return the schema of a page of a list."""
    following = fields.String(required=True, allow_none=True, metadata={"description": "The next page's address."})
    return Schema.from_dict(
        {"items": fields.List(fields.Nested(of), required=True), "next": following}, name=f"{of.__name__}Page"
    )


HubPage, WidgetPage, TypePage, RolePage, EntryPage, TokenPage = map(
    listed, (HubBrief, Widget, WidgetType, Role, Entry, Token)
)
