"""Gives back what was typed when a form is refused: the error page contains the values in a form to send again."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from urllib.parse import urlsplit

from flask import Flask, request, session

from hubs.errors import HubsError
from hubs.i18n import N_, _
from hubs.models.hub_fields import HUB_FIELDS
from hubs.views.web.context import account, app_context
from hubs.views.web.input_check import FORMS
from hubs.widgets.parameters import Parameter

#: Views that work without a session.
_OPEN = ("auth.sign_in", "auth.logout", "auth.backchannel")
#: Kinds of parameters that people type; values of others, such as choices, are sent again as they are.
_TYPED = ("text", "markdown", "url", "username", "hub", "package", "project", "secret")
#: Typed fields that no parameter declares.
_FIELDS = (
    Parameter("fullname", label=N_("Full name")),
    Parameter("timezone", label=N_("Time zone")),
    Parameter("key", label=N_("Key"), kind="secret"),
    Parameter("label", label=N_("Title")),
    Parameter("message", label=N_("Message"), kind="markdown"),
    Parameter("name", label=N_("Name")),
    Parameter("note", label=N_("Note")),
    Parameter("username", label=N_("Username")),
)
_ROW = re.compile(r"(\w+)-\d{1,6}-(\w+)")


class SignedOut(HubsError):
    """The session of a form has ended."""

    status = 401


@dataclass(frozen=True)
class Field:
    """A value to send again: as a hidden field without a label, else in a field of this kind."""

    name: str
    value: str
    label: str = ""
    kind: str = "hidden"


@dataclass(frozen=True)
class RefusedForm:
    """The values of a refused form, and the address to send them to."""

    action: str
    fields: Sequence[Field]

    @property
    def has_typed(self) -> bool:
        """Whether there are values that somebody typed."""
        return any(field.label for field in self.fields)


def register(app: Flask) -> None:
    """Refuse forms of sessions that have ended, before a view treats the person as a visitor."""
    app.before_request(_require_session)


def refused_form() -> RefusedForm | None:
    """Return the form of the current request, or None if the request is no form of our own pages.

    A form that another site sent is never offered again: one click on a page of ours would confirm it.
    """
    if not _is_page_form() or not _is_same_origin():
        return None
    parameters = _parameters()
    fields = [_field(name, value, parameters) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    return RefusedForm(request.full_path.rstrip("?"), fields)


def _require_session() -> None:
    if _is_page_form() and request.endpoint not in _OPEN and "user" in session and account() is None:
        raise SignedOut(_("You were signed out. Sign in and send it again."))


def _is_page_form() -> bool:
    is_page = request.url_rule is not None and not request.path.startswith("/api/")
    return request.method == "POST" and is_page and request.mimetype in FORMS


def _is_same_origin() -> bool:
    if fetch_site := request.headers.get("Sec-Fetch-Site"):
        return fetch_site == "same-origin"
    # Browsers send the first header to HTTPS and loopback only.
    host = urlsplit(request.headers.get("Origin", "")).netloc
    return bool(host) and host in (request.host, urlsplit(app_context().settings.site_url).netloc)


def _parameters() -> dict[str, Parameter]:
    """Return all declared parameters by name, those of rows as ``rows-field``."""
    declared = chain(_FIELDS, HUB_FIELDS, *(widget_type.parameters for widget_type in app_context().registry))
    return dict(_flat(declared))


def _flat(parameters: Iterable[Parameter]) -> Iterable[tuple[str, Parameter]]:
    for parameter in parameters:
        yield parameter.name, parameter
        for inner in parameter.fields:
            yield f"{parameter.name}-{inner.name}", inner


def _field(name: str, value: str, parameters: dict[str, Parameter]) -> Field:
    # PostgreSQL cannot store NUL: sending it again would be refused again.
    value = value.replace("\0", "")
    parameter = parameters.get(_ROW.sub(r"\1-\2", name))
    # Numbers in text fields are usually ids, such as of a message.
    if parameter is None or parameter.kind not in _TYPED or not value or value.isdigit():
        return Field(name, value)
    kind = "markdown" if "\n" in value else parameter.kind
    return Field(name, value, str(parameter.label), kind)
