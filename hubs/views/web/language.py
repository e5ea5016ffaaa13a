"""The language of a request: what the address asks for, the account, the footer's choice, or the browser."""

from contextlib import ExitStack
from functools import lru_cache

from flask import Blueprint, Flask, Response, g, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from hubs import i18n
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.views.web.context import account, app_context, local_path, locale

blueprint = Blueprint("language", __name__)

COOKIE = "hubs-language"
#: Seconds for which a browser remembers a choice; and the languages of a browser that are looked at.
REMEMBERED, WANTED = 365 * 86400, 20


def register(app: Flask) -> None:
    """Put the reader's language in force for the whole of each request to ``app``.

    To be called before anything else that looks at requests, so that errors are told in the reader's language as well.
    """
    app.before_request(_begin)
    app.after_request(_tell)
    app.teardown_request(_end)


@blueprint.get("/language")
def choose() -> ResponseReturnValue:
    """Remember a language in this browser, and go back to where one was.

    It needs no session, hence no token: a visitor who only reads is given none, and all that a forged request could do
    is to change the language of a page.
    """
    wanted = request.args.get("lang", "")
    if wanted not in i18n.locales():
        raise InvalidInput(_("Please choose one of the languages."))
    answer = redirect(local_path(request.args.get("next", "")), 303)
    secure = app_context().settings.site_url.startswith("https://")
    answer.set_cookie(COOKIE, wanted, max_age=REMEMBERED, secure=secure, httponly=True, samesite="Lax")
    return answer


def _begin() -> None:
    if request.endpoint == "static":
        return
    asked = request.args.get("lang", "")
    # In force before the account is read: the database may be what is broken.
    put_in_force(asked if asked in i18n.locales() else of_browser())
    # An address that names the language is answered without asking who wants to know.
    user = account() if asked not in i18n.locales() else None
    if user is not None and user.locale in i18n.locales():
        put_in_force(user.locale)


def put_in_force(code: str) -> None:
    """Put a language in force for the rest of the request."""
    if "language" not in g:
        g.language = ExitStack()
    g.language.enter_context(i18n.use(code))


def of_browser() -> str:
    """Return the language that the browser asks for: chosen in it, else its own."""
    return best(request.cookies.get(COOKIE, ""), request.headers.get("Accept-Language", ""))


@lru_cache(500)
def best(chosen: str, accepted: str) -> str:
    """Return the language for a choice that was remembered and what the browser sends as ``Accept-Language``."""
    if chosen in i18n.locales():
        return chosen
    found = parse_accept_header(accepted, LanguageAccept)
    return i18n.negotiate([name for name, quality in found if quality > 0][:WANTED])


def _tell(response: Response) -> Response:
    if "language" in g:
        response.headers["Content-Language"] = i18n.tag(locale())
        response.vary.update(("Accept-Language", "Cookie"))
    return response


def _end(error: BaseException | None) -> None:
    found: ExitStack | None = g.pop("language", None)
    if found is not None:
        found.close()
