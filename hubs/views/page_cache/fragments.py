"""Serves public fragments from the cache, before Flask sees the request.

An entry under a public key (`hubs.fragments.public`) was visible to everybody when it was stored; the language is part
of the URL. Whether it still is, and is the widget's current version, is read from the database. With `deploy/nginx`,
nginx serves the entries: it cannot check rows, so their short lifetime limits how long a narrowed widget is readable.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.http import is_resource_modified

from hubs import i18n
from hubs.fragments.public import PublicFragmentCache
from hubs.models import Database
from hubs.settings import Settings
from hubs.views.page_cache.row_versions import RowVersions
from hubs.views.web.security_headers import headers_for

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = re.compile("/w/([0-9]{1,10})/fragment")


def install(app: Flask, public: PublicFragmentCache, database: Database, settings: Settings) -> None:
    """Answer requests for fragments that are in ``public`` before ``app`` sees them."""
    cache = FragmentCacheMiddleware(app.wsgi_app, public, RowVersions(database), settings)
    app.wsgi_app = cache  # type: ignore[method-assign]


class FragmentCacheMiddleware:
    """WSGI middleware that answers requests for public fragments."""

    def __init__(
        self, app: "WSGIApplication", public: PublicFragmentCache, rows: RowVersions, settings: Settings
    ) -> None:
        self._app, self._public, self._rows = app, public, rows
        self._languages = {f"lang={code}": code for code in i18n.locales()}
        self._headers = [*headers_for(settings), ("Cache-Control", "no-cache")]

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request for a cached fragment; pass every other request on."""
        match = _PATH.fullmatch(environ["PATH_INFO"])
        # Only URLs that name a language: without it the answer depends on the person, hence on the database.
        language = self._languages.get(environ.get("QUERY_STRING", "")) if match else None
        if match is None or language is None or environ["REQUEST_METHOD"] != "GET":
            return self._app(environ, start_response)
        widget_id = int(match[1])
        cached = self._public.read(widget_id, language)
        if cached is None or self._rows.public_widget(widget_id) != cached.meta["version"]:
            return self._app(environ, start_response)
        # The last header is the ETag.
        headers = [*self._headers, *cached.headers()]
        if not is_resource_modified(environ, etag=headers[-1][1]):
            start_response("304 NOT MODIFIED", headers)
            return []
        headers += [("Content-Language", i18n.tag(language)), ("Content-Type", "text/html; charset=utf-8")]
        start_response("200 OK", [*headers, ("Content-Length", str(len(cached.body)))])
        return [cached.body]
