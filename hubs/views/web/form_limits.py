"""Limits the rate of forms as the API limits its requests."""

from flask import Flask, request

from hubs.views.web.context import app_context, rate_limit_key
from hubs.views.web.input_check import FORMS

#: Other programs send there, many from one address: the provider reports the end of each session, and webhooks have a
#: rate limit of their own.
_UNLIMITED = ("auth.backchannel", "webhooks.receive")


def register(app: Flask) -> None:
    """Count every form that is sent to ``app``; too many are refused before a view sees them."""
    app.before_request(_count)


def _count() -> None:
    if request.method in ("GET", "HEAD", "OPTIONS") or request.path.startswith("/api/"):
        return
    # Scripts may send the token in a header instead; requests without either are refused by the CSRF protection.
    is_form = request.mimetype in FORMS or "X-CSRFToken" in request.headers
    if is_form and request.endpoint not in _UNLIMITED:
        app_context().api_limiter.take("form", rate_limit_key())
