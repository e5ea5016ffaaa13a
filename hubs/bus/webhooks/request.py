"""One delivery as it arrived over HTTP."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from hubs.errors import RefusedDelivery
from hubs.i18n import N_

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class HookRequest:
    """The headers of a delivery, by their names in lower case, and the bytes of its body."""

    headers: Mapping[str, str]
    body: bytes

    def header(self, *names: str) -> str:
        """Return the first of the headers that is not empty."""
        return next((value for name in names if (value := self.headers.get(name, "").strip())), "")

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def json(self, *, form: bool = False) -> dict[str, Any]:
        """Return the JSON object in the body; with ``form`` also the one in the form field ``payload``.

        :raises RefusedDelivery: when there is none.
        """
        is_form = form and self.media_type == _FORM
        if not is_form and self.media_type != "application/json" and not self.media_type.endswith("+json"):
            raise RefusedDelivery(N_("The content type is not JSON. Choose application/json at the service."), 415)
        try:
            text = self.body.decode()
            if is_form:
                text = parse_qs(text, strict_parsing=True, max_num_fields=20)["payload"][0]
            payload = json.loads(text, parse_constant=lambda name: None)
        except (ValueError, KeyError, RecursionError):
            raise RefusedDelivery(N_("The body is not valid JSON."), 400) from None
        if not isinstance(payload, dict):
            raise RefusedDelivery(N_("The body is not a JSON object."), 400)
        return payload


@dataclass(frozen=True, slots=True)
class Proof:
    """That a delivery is from the service: the service's id of it, and whether that id cannot be exchanged.

    Whoever replays a delivery can replace an id that the signature does not cover; then bodies are compared, too.
    """

    delivery_id: str
    covers_id: bool
