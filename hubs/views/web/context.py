"""What the views share: the assembled parts, the request's session, and the current user."""

import time
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast
from urllib.parse import quote, urlsplit

from flask import current_app, g, request, session
from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session, contains_eager, joinedload
from werkzeug.routing import RequestRedirect

from hubs import i18n, urls
from hubs.actions import outbox
from hubs.actions.people import bookmarks
from hubs.actions.people.bookmarks import Bar
from hubs.actions.people.home import Visits
from hubs.actions.people.sessions import digest_of
from hubs.clients.all import Clients
from hubs.errors import NotFound
from hubs.events.log import EventLog
from hubs.events.tokens import Tokens
from hubs.fragments.on_demand import FragmentReader
from hubs.fragments.side_jobs import BackgroundJobs
from hubs.fragments.store import FragmentStore
from hubs.health.readiness import Readiness
from hubs.i18n import _
from hubs.models import Database, FormerName, Hub, SignIn, User, Widget, now
from hubs.permissions import (
    ANY_ACCOUNT,
    NO_HUB,
    NO_WIDGET,
    VISITOR,
    Person,
    can,
    parameters,
    person,
    require,
    visible,
)
from hubs.settings import Settings
from hubs.views.web.rate_limits import Limiter, address_key
from hubs.widgets.registry import Registry
from hubs.widgets.secrets import SecretBox

EXTENSION = "hubs"
#: Longest time in seconds between updates of the time of last use in a session's cookie, and how many of them fit in
#: the time after which an unused session ends. They are rare: each makes useless what is kept for the old cookie.
TOUCH_INTERVAL, TOUCHES = 3600, 12


@dataclass(frozen=True)
class AppContext:
    """The parts that `create_app` assembles."""

    settings: Settings
    database: Database
    fragments: FragmentStore
    fragment_reader: FragmentReader
    jobs: BackgroundJobs
    events: EventLog
    tokens: Tokens
    push_limiter: Limiter
    api_limiter: Limiter
    search_limiter: Limiter
    webhook_limiter: Limiter
    upload_limiter: Limiter
    readiness: Readiness
    visits: Visits
    #: Encrypts the secrets of webhooks.
    secret_box: SecretBox
    #: Upstream services that a view may query while a person waits.
    clients: Clients

    @property
    def registry(self) -> Registry:
        """The installed widget types."""
        return self.fragments.registry


def app_context() -> AppContext:
    """Return the parts of the running application."""
    return cast("AppContext", current_app.extensions[EXTENSION])


def db() -> Session:
    """Return the request's database session; views that write commit it themselves."""
    if "db" not in g:
        # Stream tokens carry this time: a revocation that is committed after the first read refuses them.
        g.read_since = time.time()
        g.db = app_context().database.session()
        g.db.info[outbox.ORIGIN] = request.remote_addr or ""
    return cast("Session", g.db)


def close_session(error: BaseException | None) -> None:
    """Close the request's session; what was not committed is rolled back."""
    open_session = g.pop("db", None)
    if open_session is not None:
        open_session.close()


def locale() -> str:
    """Return the language of the request, which `hubs.views.web.language` activates."""
    return i18n.current()


def account() -> User | None:
    """Return the current user's account with its roles, in one query per request."""
    if "account" not in g:
        user_id, key = session.get("user"), session.get("key")
        row = None
        if isinstance(user_id, int) and isinstance(key, str) and touch_session():
            values = {"user_id": user_id, "digest": digest_of(key), "present": now()}
            row = db().execute(_signed_in(), values).unique().one_or_none()
        g.account, g.account_until = row or (None, None)
    return cast("User | None", g.account)


@cache
def _signed_in() -> Select[User, datetime]:
    # The row of the sign-in decides, not the cookie: signing out elsewhere deletes it.
    query = select(User, SignIn.expires_on).join(SignIn, SignIn.user_id == User.id)
    query = query.where(User.id == bindparam("user_id"), SignIn.digest == bindparam("digest"))
    return query.where(SignIn.expires_on > bindparam("present")).options(joinedload(User.roles))


def touch_session() -> bool:
    """Return whether the session was used recently enough, and refresh its time of last use when that is due."""
    seen, present, settings = session.get("seen"), int(time.time()), app_context().settings
    if not isinstance(seen, int) or present - seen > settings.session_idle:
        return False
    if present - seen > touch_interval(settings):
        session["seen"] = present
    return True


def touch_interval(settings: Settings) -> int:
    """Return how many seconds old the time of last use in a session's cookie may become."""
    return min(TOUCH_INTERVAL, settings.session_idle // TOUCHES)


def current_person() -> Person:
    """Return the current user, or the visitor."""
    user = account()
    if user is None:
        return VISITOR
    # Called dozens of times per page, so it is cached until the roles of the account change within the request.
    roles = tuple((role.hub_id, role.role) for role in user.roles)
    if g.get("person_roles") != roles:
        g.person = person(user.id, user.username, user.roles, **privileges(app_context().settings, user.username))
        g.person_roles = roles
    return cast("Person", g.person)


def privileges(settings: Settings, username: str) -> dict[str, bool]:
    """Return what the settings allow an account, as arguments of `hubs.permissions.person`."""
    admin = username in settings.admins
    return {"admin": admin, "creator": admin or settings.hub_creation == "everybody"}


def rate_limit_key() -> str:
    """Return the rate-limit key of the current client: the account, or for visitors the address."""
    user = account()
    return f"user {user.id}" if user else address_key(request.remote_addr or "")


def page_context() -> dict[str, Any]:
    """Return the template variables of every page."""
    # An error page must not query: the database may be what failed.
    user, bookmarked = (None, Bar()) if "is_error_page" in g else (account(), bar())
    return {
        "account": user,
        "bar": bookmarked,
        "has_session": "user" in session,
        "settings": app_context().settings,
        "lang": i18n.tag(locale()),
        "direction": i18n.direction(locale()),
        "locale": locale(),
        "languages": i18n.names(),
    }


def bar() -> Bar:
    """Return the current user's bookmarks in order, with notification counts, in one query per request."""
    if "bar" not in g:
        user = account()
        g.bar = bookmarks.read(db(), current_person()) if user else Bar()
    return cast("Bar", g.bar)


class Moved(RequestRedirect):
    """Redirects permanently to the new address of a page."""

    code = 301

    def get_response(self, *args: Any, **kwargs: Any) -> Any:
        """Return the redirect. Browsers must revalidate it, since another hub may take the old name one day."""
        response = super().get_response(*args, **kwargs)
        response.headers["Cache-Control"] = "private, no-cache"
        return response


def find_hub(space: str, name: str, verb: str = "view") -> Hub:
    """Return the hub at ``/u/<name>/`` or ``/t/<name>/`` with its widgets, in one query.

    :raises NotFound: if it does not exist or the current user cannot see it.
    :raises NotAllowed: if the current user may not do ``verb``.
    """
    viewer = current_person()
    query = _hub_at(space, viewer.signed_in)
    hub = db().scalars(query, {"name": name, **parameters(viewer)}).unique().first()
    if hub is None:
        if request.method in ("GET", "HEAD"):
            _redirect_other_name(space, name)
        raise NotFound(_(NO_HUB))
    require(current_person(), verb, hub)
    return hub


@cache
def _hub_at(space: str, signed_in: bool) -> Select[Hub]:
    # The query itself filters by visibility, so hidden and nonexistent hubs take the same time.
    kind = Hub.kind == "user" if space == "u" else Hub.kind != "user"
    query = select(Hub).options(joinedload(Hub.widgets).joinedload(Widget.page), joinedload(Hub.user))
    return query.where(kind, Hub.name == bindparam("name"), visible(ANY_ACCOUNT if signed_in else VISITOR))


def _redirect_other_name(space: str, name: str) -> None:
    """Redirect to the hub that has this name in other case, or formerly had it, if the current user can see it."""
    kind = Hub.kind == "user" if space == "u" else Hub.kind != "user"
    other_case = select(Hub).where(kind, func.lower(Hub.name) == name.lower(), visible(current_person()))
    hub = db().scalars(other_case.order_by(Hub.id)).first()
    if hub is None:
        names = FormerName.name.in_((name, name.lower()))
        former = select(Hub).join(FormerName, FormerName.hub_id == Hub.id).where(FormerName.space == space, names)
        hub = db().scalars(former.where(visible(current_person())).order_by(FormerName.name != name)).first()
    if hub is not None:
        path = request.path.replace(f"/{space}/{name}", urls.hub(hub.kind, hub.name).rstrip("/"), 1)
        query = request.query_string.decode("latin-1")
        raise Moved(quote(path, safe="/%") + (f"?{query}" if query else ""))


def visible_widgets(hub: Hub, viewer: Person | None = None) -> list[Widget]:
    """Return the widgets on all pages of a hub that ``viewer`` can see, by default the current user."""
    return [row for row in hub.widgets if can(viewer or current_person(), "view", row)]


def find_widget(widget_id: int, verb: str = "view") -> Widget:
    """Return a widget with its hub and that hub's widgets.

    :raises NotFound: if it does not exist or the current user cannot see it.
    :raises NotAllowed: if the current user may not do ``verb``.
    """
    hub, page = contains_eager(Widget.hub), joinedload(Widget.page)
    # Changes need the neighbours as well, such as for positions; reading does not.
    query = select(Widget).join(Widget.hub).options(hub if verb == "view" else hub.selectinload(Hub.widgets), page)
    row = db().scalars(query.where(Widget.id == widget_id, visible(current_person()))).unique().first()
    if row is None:
        raise NotFound(_(NO_WIDGET))
    require(current_person(), verb, row)
    return row


def hub_page_url(hub: Hub, anchor: str = "", page: str = "") -> str:
    """Return the hub's page with the slug ``page``, else its home page, as the target of a redirect after a form."""
    # Forms carry "plain" while JavaScript is off: nothing loads later there, so the page must be complete.
    full = "?full=1" if "plain" in request.form else ""
    return urls.hub_page(hub.kind, hub.name, page) + full + (f"#{anchor}" if anchor else "")


def local_path(target: str) -> str:
    """Return ``target`` if it is a path on this site, else the front page; prevents open redirects."""
    parts = urlsplit(target)
    # Browsers read a backslash like a slash, so "/\\host" would be another site.
    is_local = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc
    return target[:500] if is_local and target.isprintable() else urls.front()
