"""Lists in pages: a cursor says after which entry a page starts, so that what is added meanwhile shifts nothing."""

import base64
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import request
from marshmallow import EXCLUDE, Schema, fields, validate

from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.views.api.base import is_text
from hubs.views.web.context import app_context

#: Entries on a page: where nobody says, and at most.
USUAL, MOST = 50, 100
_NUMBER = 2**63 - 1


class PageQuery(Schema):
    """What every list understands."""

    class Meta:
        """Other programs may have marks of their own in an address."""

        unknown = EXCLUDE

    limit = fields.Integer(load_default=USUAL, validate=validate.Range(1, MOST), metadata={"description": "Entries."})
    cursor = fields.String(load_default="", metadata={"description": "From `next` of the page before."})


def after(cursor: str, *kinds: type) -> list[Any] | None:
    """Return the place in the list that a cursor stands for; None for the beginning.

    :raises InvalidInput: when the cursor is not one of this list.
    """
    if not cursor:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=="))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or len(found) != len(kinds) or not all(map(_fits, found, kinds)):
        raise InvalidInput(
            _("There is no such page."), {"cursor": _("Take the address from `next` of the page before.")}
        )
    return found


def _fits(value: Any, kind: type) -> bool:
    if type(value) is not kind:
        return False
    return is_text(str(value)) if kind is str else -_NUMBER <= int(str(value)) <= _NUMBER


def page(items: Sequence[Any], limit: int, last: Sequence[Any] | None) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the body and headers of one page; ``last`` is the place of its last entry, None where no others follow."""
    if last is None:
        return {"items": items, "next": None}, {}
    text = base64.urlsafe_b64encode(json.dumps(list(last)).encode()).decode().rstrip("=")
    query = urlencode({**request.args.to_dict(), "limit": limit, "cursor": text})
    following = f"{app_context().settings.site_url}{request.path}?{query}"
    return {"items": items, "next": following}, {"Link": f'<{following}>; rel="next"'}
