"""Keyset pagination: a cursor names the last entry of the previous page, so that new entries shift nothing."""

import base64
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import request
from marshmallow import EXCLUDE, Schema, fields, validate

from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.views.web.context import app_context
from hubs.views.web.input_check import is_text

#: Entries per page: default and maximum.
DEFAULT, MAXIMUM = 50, 100
_NUMBER = 2**63 - 1


class PageQuery(Schema):
    """Parameters of every list."""

    class Meta:
        """Unknown parameters are ignored, since other programs add their own to URLs."""

        unknown = EXCLUDE

    limit = fields.Integer(
        load_default=DEFAULT, validate=validate.Range(1, MAXIMUM), metadata={"description": "Entries per page."}
    )
    cursor = fields.String(load_default="", metadata={"description": "From `next` of the previous page."})


def after(cursor: str, *kinds: type) -> list[Any] | None:
    """Return the position encoded in a cursor, whose parts have the types ``kinds``; None for the first page.

    :raises InvalidInput: if the cursor does not belong to this list.
    """
    if not cursor:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=="))
    except (ValueError, RecursionError):
        position = None
    if not isinstance(position, list) or len(position) != len(kinds) or not all(map(_fits, position, kinds)):
        raise InvalidInput(_("There is no such page."), {"cursor": _("Use the URL in `next` of the previous page.")})
    return position


def _fits(value: Any, kind: type) -> bool:
    if type(value) is not kind:
        return False
    return is_text(str(value)) if kind is str else -_NUMBER <= int(str(value)) <= _NUMBER


def page(items: Sequence[Any], limit: int, last: Sequence[Any] | None) -> tuple[dict[str, Any], dict[str, str]]:
    """Return body and headers of a page; ``last`` is the position of its last entry, None on the last page."""
    if last is None:
        return {"items": items, "next": None}, {}
    text = base64.urlsafe_b64encode(json.dumps(list(last)).encode()).decode().rstrip("=")
    query = urlencode({**request.args.to_dict(), "limit": limit, "cursor": text})
    following = f"{app_context().settings.site_url}{request.path}?{query}"
    return {"items": items, "next": following}, {"Link": f'<{following}>; rel="next"'}
