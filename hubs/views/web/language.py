"""The language of a request: from the URL, the account, the footer's cookie, or the browser, in this order."""

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
#: Lifetime of the cookie in seconds; entries of Accept-Language that are considered.
COOKIE_AGE, MAX_ACCEPTED = 365 * 86400, 20

#: Blueprints whose responses are the same for everybody: reading the session would make them set its cookie.
COOKIELESS = ("branding", "cards", "discovery", "embedding")


def register(app: Flask) -> None:
    """Activate the user's language for the whole of each request.

    Call this before registering other hooks, so that their errors are translated as well.
    """
    app.before_request(_activate_preferred)
    app.after_request(_add_headers)
    app.teardown_request(_deactivate)


@blueprint.get("/language")
def choose() -> ResponseReturnValue:
    """Store a language in a cookie, and redirect back.

    Needs neither session nor CSRF token: a forged request could only change the language of the pages.
    """
    language = i18n.find(request.args.get("lang", ""))
    if not language:
        raise InvalidInput(_("Please choose one of the languages."))
    response = redirect(local_path(request.args.get("next", "")), 303)
    secure = app_context().settings.site_url.startswith("https://")
    response.set_cookie(COOKIE, language, max_age=COOKIE_AGE, secure=secure, httponly=True, samesite="Lax")
    return response


def _activate_preferred() -> None:
    if request.endpoint == "static":
        return
    explicit = i18n.find(request.args.get("lang", ""))
    # Before the account is read, which fails while the database is down: that error is translated as well.
    activate(explicit or of_browser())
    # A language in the URL spares the query for the account.
    is_same_for_all = request.blueprint in COOKIELESS or bool(explicit)
    user = None if is_same_for_all else account()
    if user is not None and user.locale in i18n.locales():
        activate(user.locale)


def activate(code: str) -> None:
    """Use a language for the rest of the request."""
    if "language" not in g:
        g.language = ExitStack()
    g.language.enter_context(i18n.use(code))


def of_browser() -> str:
    """Return the language of the browser: from our cookie, else from Accept-Language."""
    return best(request.cookies.get(COOKIE, ""), request.headers.get("Accept-Language", ""))


@lru_cache(500)
def best(chosen: str, accepted: str) -> str:
    """Return the language for the value of our cookie and of ``Accept-Language``."""
    if chosen in i18n.locales():
        return chosen
    languages = parse_accept_header(accepted, LanguageAccept)
    return i18n.negotiate([name for name, quality in languages if quality > 0][:MAX_ACCEPTED])


def _add_headers(response: Response) -> Response:
    if "language" in g:
        response.headers["Content-Language"] = i18n.tag(locale())
        response.vary.update(("Accept-Language", "Cookie"))
    return response


def _deactivate(error: BaseException | None) -> None:
    stack: ExitStack | None = g.pop("language", None)
    if stack is not None:
        stack.close()
