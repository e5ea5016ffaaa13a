"""The API, version 1: the same permissions and actions as the pages, as JSON, described by an OpenAPI document."""

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from hubs.views.api import document, feeds, hubs, machines, mine, roles, search, types, widgets

ROOMS = (hubs.room, widgets.room, roles.room, feeds.room, search.room, types.room, mine.room, machines.room)


def install(app: Flask, protection: CSRFProtect) -> None:
    """Add the API to ``app``; its rooms themselves ask for the CSRF token where a session writes."""
    app.config.update(document.CONFIG)
    api = document.Described(app, spec_kwargs=document.options())
    for room in ROOMS:
        protection.exempt(room)
        api.register_blueprint(room)
    api.describe()
    app.register_blueprint(feeds.blueprint)
    app.register_blueprint(document.blueprint)
