"""Entity tags of pages: a reader who has a page already gets 304 instead of it."""

from collections.abc import Mapping

from flask import Response, request, session

from hubs.views.skeleton import Place, Skeleton, digest_of


def conditional(skeleton: Skeleton, values: Mapping[Place, str], bucket: int) -> Response:
    """Return a page, or 304 when the reader holds one that says the same and still works.

    The tag is made of the page's skeleton, so nothing that a template shows can be forgotten: versions, who asks,
    roles, notes; and of the fragments that were put into it already. Left out are ``values``, which differ with every
    rendering and say nothing: the stream's token and cursor (with an older cursor the stream gives what happened
    since) and the CSRF token, which is good for as long as the session's secret; that secret takes its place.
    ``bucket`` moves on before the tokens of an older page are too old.
    """
    secret = str(session.get("csrf_token", ""))
    tag = digest_of("\n".join((str(bucket), secret, skeleton.digest)))
    known = request.if_none_match.contains_weak(tag)
    answer = Response(status=304) if known else Response(skeleton.fill(values), mimetype="text/html")
    answer.set_etag(tag, weak=True)
    return answer
