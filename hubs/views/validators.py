"""Entity tags of pages: a reader who has a page already gets 304 instead of it."""

import hashlib
from collections.abc import Iterable

from flask import Response, make_response, request, session
from flask_wtf.csrf import generate_csrf


def conditional(page: str, volatile: Iterable[str], bucket: int) -> Response:
    """Return the page, or 304 when the reader holds one that says the same and still works.

    The tag is made of the page itself, so nothing that a template shows can be forgotten: versions, content, who
    asks, roles, notes. Left out is what differs with every rendering: the texts in ``volatile`` (the stream's token
    and cursor: with an older cursor the stream gives what happened since) and the CSRF token, which is good for as
    long as the session's secret; that secret takes its place. ``bucket`` moves on before the tokens of an older page
    are too old.
    """
    stable = page
    secret = str(session.get("csrf_token", ""))
    for text in filter(None, (*volatile, generate_csrf() if secret else "")):
        stable = stable.replace(text, "")
    digest = hashlib.blake2b(f"{bucket}\n{secret}\n{stable}".encode(), digest_size=16).hexdigest()
    answer = make_response(page)
    answer.set_etag(digest, weak=True)
    answer.make_conditional(request)
    return answer
