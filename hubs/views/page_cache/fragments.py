"""Fragments that everybody may see, straight from the cache, before the application looks at the request.

This is for those who run without `deploy/nginx`, which does the same: what is kept under a public key
(`hubs.fragments.public`) was found to be visible to everybody, whoever asks, in the language that the address names.
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
    """Let what is kept in ``public`` be answered before ``app`` is asked."""
    app.wsgi_app = FragmentCacheMiddleware(app.wsgi_app, public, settings)  # type: ignore[method-assign]


class FragmentCacheMiddleware:
    """A WSGI application in front of another one."""

    def __init__(self, behind: "WSGIApplication", public: PublicFragmentCache, settings: Settings) -> None:
        self._behind, self._public = behind, public
        self._languages = {f"lang={code}": code for code in i18n.locales()}
        self._headers = [*headers_for(settings), ("Cache-Control", "no-cache")]

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request for a fragment that is kept; pass on every other one."""
        found = _PATH.fullmatch(environ["PATH_INFO"])
        language = self._languages.get(environ.get("QUERY_STRING", "")) if found else None
        if found is None or language is None or environ["REQUEST_METHOD"] != "GET":
            return self._behind(environ, start_response)
        kept = self._public.read(int(found[1]), language)
        if kept is None:
            return self._behind(environ, start_response)
        headers = [*self._headers, *kept.headers()]
        if not is_resource_modified(environ, etag=headers[-1][1]):
            start_response("304 NOT MODIFIED", headers)
            return []
        headers += [("Content-Language", i18n.tag(language)), ("Content-Type", "text/html; charset=utf-8")]
        start_response("200 OK", [*headers, ("Content-Length", str(len(kept.body)))])
        return [kept.body]
