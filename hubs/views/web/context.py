"""What the views share: the assembled parts, the request's session, and the current user."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote, urlsplit

from flask import current_app, g, request, session
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, contains_eager, joinedload
from werkzeug.routing import RequestRedirect

from hubs import i18n, urls
from hubs.actions import outbox
from hubs.actions.people import bookmarks
from hubs.actions.people.bookmarks import Bar
from hubs.actions.people.sessions import digest_of
from hubs.errors import NotFound
from hubs.events.log import EventLog
from hubs.events.message import hub_channel, session_scope, user_channel
from hubs.events.tokens import Tokens
from hubs.fragments.on_demand import FragmentReader
from hubs.fragments.side_jobs import BackgroundJobs
from hubs.fragments.store import FragmentStore
from hubs.i18n import _
from hubs.models import Database, FormerName, Hub, Role, SignIn, User, Widget, now
from hubs.permissions import NO_HUB, NO_WIDGET, VISITOR, Person, audiences, can, person, require, visible
from hubs.settings import Settings
from hubs.views.web.rate_limits import Limiter, place_of
from hubs.widgets.registry import Registry

EXTENSION = "hubs"
#: Seconds after which the cookie notes again that the session is in use.
NOTED = 300


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

    @property
    def registry(self) -> Registry:
        """The widgets there are."""
        return self.fragments.registry


def app_context() -> AppContext:
    """Return the parts of the running application."""
    return cast("AppContext", current_app.extensions[EXTENSION])


def db() -> Session:
    """Return the request's database session; views that write commit it themselves."""
    if "db" not in g:
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
    """Return the language of the request; `hubs.views.web.language` puts it in force."""
    return i18n.current()


def account() -> User | None:
    """Return the current user's account with roles and hubs, in one query per request."""
    if "account" not in g:
        number, key = session.get("user"), session.get("key")
        good = isinstance(number, int) and isinstance(key, str) and is_in_use()
        found = db().execute(_signed_in(number, key)).unique().one_or_none() if good else None
        g.account, g.account_until = found or (None, None)
    return cast("User | None", g.account)


def _signed_in(number: Any, key: Any) -> Select[User, datetime]:
    query = select(User, SignIn.expires_on).join(SignIn, SignIn.user_id == User.id)
    query = query.where(User.id == number, SignIn.digest == digest_of(key), SignIn.expires_on > now())
    return query.options(joinedload(User.roles).joinedload(Role.hub))


def is_in_use() -> bool:
    """Return whether the session was used recently; refresh the time in its cookie every few minutes."""
    seen, present = session.get("seen"), int(time.time())
    if not isinstance(seen, int) or present - seen > app_context().settings.session_idle:
        return False
    if present - seen > NOTED:
        session["seen"] = present
    return True


def current_person() -> Person:
    """Return the current user, or the visitor."""
    user = account()
    if user is None:
        return VISITOR
    # Templates and permission checks ask some dozen times per page; a page that changes roles computes it again.
    roles = tuple((role.hub_id, role.role) for role in user.roles)
    if g.get("person_roles") != roles:
        admin = user.username in app_context().settings.admins
        creator = admin or app_context().settings.hub_creation == "everybody"
        g.person = person(user.id, user.username, user.roles, admin=admin, creator=creator)
        g.person_roles = roles
    return cast("Person", g.person)


def rate_limit_key() -> str:
    """Return the rate-limit key of the current client: the account, or for visitors the address."""
    user = account()
    return f"user {user.id}" if user else place_of(request.remote_addr or "")


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
        "locale": locale(),
        "languages": i18n.names(),
    }


def bar() -> Bar:
    """Return the current user's bookmarks in order, with notification counts, in one query per request."""
    if "bar" not in g:
        user = account()
        g.bar = bookmarks.read(db(), current_person(), user) if user else Bar()
    return cast("Bar", g.bar)


class Moved(RequestRedirect):
    """Sends the browser to the new address of a page for good."""

    code = 301

    def get_response(self, *args: Any, **kwargs: Any) -> Any:
        """Return the redirect; a browser asks again, since another hub may take the old name one day."""
        answer = super().get_response(*args, **kwargs)
        answer.headers["Cache-Control"] = "private, no-cache"
        return answer


def find_hub(space: str, name: str, verb: str = "view") -> Hub:
    """Return the hub at ``/u/<name>/`` or ``/t/<name>/`` with its widgets, in one query.

    :raises NotFound: if it does not exist or the current user cannot see it.
    :raises NotAllowed: if the current user may not do ``verb``.
    """
    # The database leaves out what the person may not see: no answer tells by its time whether there is such a hub.
    kind = Hub.kind == "user" if space == "u" else Hub.kind != "user"
    query = select(Hub).options(joinedload(Hub.widgets), joinedload(Hub.user))
    hub = db().scalars(query.where(kind, Hub.name == name, visible(current_person()))).unique().first()
    if hub is None:
        if request.method in ("GET", "HEAD"):
            _follow(space, name)
        raise NotFound(_(NO_HUB))
    require(current_person(), verb, hub)
    return hub


def _follow(space: str, name: str) -> None:
    """Redirect to the hub that formerly had this name, if the current user can see it."""
    former = select(Hub).join(FormerName, FormerName.hub_id == Hub.id)
    hub = db().scalar(former.where(FormerName.space == space, FormerName.name == name, visible(current_person())))
    if hub is not None:
        path = request.path.replace(f"/{space}/{name}", urls.hub(hub.kind, hub.name).rstrip("/"), 1)
        query = request.query_string.decode("latin-1")
        raise Moved(quote(path, safe="/%") + (f"?{query}" if query else ""))


def shown(hub: Hub, who: Person | None = None) -> list[Widget]:
    """Return the widgets of a hub that ``who`` can see, by default the current user."""
    return [row for row in hub.widgets if can(who or current_person(), "view", row)]


def find_widget(number: int, verb: str = "view") -> Widget:
    """Return a widget with its hub and that hub's widgets.

    :raises NotFound: if it does not exist or the current user cannot see it.
    :raises NotAllowed: if the current user may not do ``verb``.
    """
    hub = contains_eager(Widget.hub)
    query = select(Widget).join(Widget.hub).options(hub if verb == "view" else hub.selectinload(Hub.widgets))
    row = db().scalars(query.where(Widget.id == number, visible(current_person()))).unique().first()
    if row is None:
        raise NotFound(_(NO_WIDGET))
    require(current_person(), verb, row)
    return row


def page_of(hub: Hub, anchor: str = "") -> str:
    """Return where to go after a form: the hub's page, complete for a browser without JavaScript, which says so."""
    complete = "?full=1" if "plain" in request.form else ""
    return urls.hub(hub.kind, hub.name) + complete + (f"#{anchor}" if anchor else "")


def local_path(wanted: str) -> str:
    """Return a path of ours that somebody wants to go to, never another site; the front page for all else."""
    parts = urlsplit(wanted)
    good = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc and wanted.isprintable()
    return wanted[:500] if good else urls.front()


def channels_of(hub: Hub, who: Person) -> tuple[str, ...]:
    """Return the channels on which somebody hears of a hub, and of themselves, in the language of the request."""
    channels = [hub_channel(hub.id, audience, locale()) for audience in audiences(who, hub)]
    return (*channels, user_channel(who.id)) if who.signed_in else tuple(channels)


def mint(channels: Iterable[str]) -> str:
    """Return a token for channels of this browser, dated before the first row was read.

    A revocation that was committed since then, after the rows were read that say what the person may hear, refuses it.
    """
    db()
    if account() is None:
        return app_context().tokens.mint(channels, issued=g.read_since)
    scope, until = session_scope(digest_of(str(session["key"]))), g.account_until.timestamp()
    return app_context().tokens.mint(channels, session=scope, issued=g.read_since, until=until)


def stream_of(hub: Hub, cursor: str) -> dict[str, str]:
    """Return what a page needs to hear about a hub from ``cursor`` on."""
    channels = channels_of(hub, current_person())
    token = mint(channels)
    return {"url": app_context().settings.stream_url, "cursor": cursor, "token": token, "channels": " ".join(channels)}
