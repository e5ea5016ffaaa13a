"""Serves public fragments from the cache, before Flask sees the request.

With `deploy/nginx`, nginx does the same. Entries under a public key (`hubs.fragments.public`) are visible to
everybody, so neither the session nor the database is needed; the language is part of the URL.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.http import is_resource_modified

from hubs import i18n
from hubs.fragments.public import PublicFragmentCache
from hubs.settings import Settings
from hubs.views.web.security_headers import headers_for

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = re.compile("/w/([0-9]{1,10})/fragment")


def install(app: Flask, public: PublicFragmentCache, settings: Settings) -> None:
    """Answer requests for fragments that are in ``public`` before ``app`` sees them."""
    app.wsgi_app = FragmentCacheMiddleware(app.wsgi_app, public, settings)  # type: ignore[method-assign]


class FragmentCacheMiddleware:
    """WSGI middleware that answers requests for public fragments."""

    def __init__(self, app: "WSGIApplication", public: PublicFragmentCache, settings: Settings) -> None:
        self._app, self._public = app, public
        self._languages = {f"lang={code}": code for code in i18n.locales()}
        self._headers = [*headers_for(settings), ("Cache-Control", "no-cache")]

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request for a cached fragment; pass every other request on."""
        match = _PATH.fullmatch(environ["PATH_INFO"])
        # Only URLs that name a language: without it the answer depends on the person, hence on the database.
        language = self._languages.get(environ.get("QUERY_STRING", "")) if match else None
        if match is None or language is None or environ["REQUEST_METHOD"] != "GET":
            return self._app(environ, start_response)
        cached = self._public.read(int(match[1]), language)
        if cached is None:
            return self._app(environ, start_response)
        headers = [*self._headers, *cached.headers()]
        if not is_resource_modified(environ, etag=headers[-1][1]):
            start_response("304 NOT MODIFIED", headers)
            return []
        headers += [("Content-Language", i18n.tag(language)), ("Content-Type", "text/html; charset=utf-8")]
        start_response("200 OK", [*headers, ("Content-Length", str(len(cached.body)))])
        return [cached.body]
