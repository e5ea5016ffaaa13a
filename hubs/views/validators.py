"""Entity tags of pages: a reader who has a page already gets 304 instead of it."""

import hashlib
from collections.abc import Mapping

from flask import Response, make_response, request, session

from hubs.views.skeleton import Place, Skeleton

#: The places of what differs with every rendering and says nothing: the stream's token and cursor, the CSRF token.
VOLATILE = ("token", "cursor", "csrf")


def conditional(skeleton: Skeleton, values: Mapping[Place, str], bucket: int) -> Response:
    """Return a page, or 304 when the reader holds one that says the same and still works.

    The tag is made of the page's skeleton, so nothing that a template shows can be forgotten: versions, who asks,
    roles, notes; and of what is put into it, where the digest of a fragment stands for its content. Left out is what
    differs with every rendering: the stream's token and cursor (with an older cursor the stream gives what happened
    since) and the CSRF token, which is good for as long as the session's secret; that secret takes its place.
    ``bucket`` moves on before the tokens of an older page are too old.
    """
    secret = str(session.get("csrf_token", ""))
    said = [values[place] for place in skeleton.places if place[0] not in (*VOLATILE, "html")]
    stable = "\n".join((str(bucket), secret, skeleton.digest, *said))
    tag = hashlib.blake2b(stable.encode(), digest_size=16).hexdigest()
    known = request.if_none_match.contains_weak(tag)
    answer = make_response("" if known else skeleton.fill(values))
    answer.set_etag(tag, weak=True)
    answer.make_conditional(request)
    return answer
