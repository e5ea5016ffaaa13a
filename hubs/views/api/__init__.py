"""The API, version 1: the same permissions and actions as the pages, as JSON, described by an OpenAPI document."""

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from hubs.views.api import (
    announcements,
    document,
    feeds,
    help_wanted,
    hubs,
    machines,
    mine,
    notices,
    pages,
    roles,
    search,
    types,
    widgets,
)

_MODULES = (hubs, widgets, pages, roles, feeds, search, types, mine, machines, announcements, help_wanted, notices)


def install(app: Flask, protection: CSRFProtect) -> None:
    """Add the API to ``app``.

    Its blueprints check the CSRF token themselves, since requests with a bearer token need none.
    """
    app.config.update(document.CONFIG)
    api = document.ApiDocument(app, spec_kwargs=document.options())
    for module in _MODULES:
        protection.exempt(module.blueprint)
        api.register_blueprint(module.blueprint)
    api.describe()
    app.register_blueprint(feeds.atom_blueprint)
    app.register_blueprint(document.blueprint)
