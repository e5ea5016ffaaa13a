"""The front page: for visitors, for people who are signed in, and the newest lines for an open one."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import i18n, urls
from hubs.actions.people import announcements, home, stream
from hubs.actions.privacy import account_data
from hubs.digest import live, numbers
from hubs.digest.issues import issues
from hubs.digest.tasks import tasks
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import Announcement, now
from hubs.pictures import sparkline
from hubs.search import directory
from hubs.views.account.settings import myself
from hubs.views.account.stream import LABELS
from hubs.views.home import person, visitor_page, visits
from hubs.views.web.context import account, app_context, current_person, db
from hubs.views.web.converters import row_number

blueprint = Blueprint("front", __name__)
visits.register(blueprint)

#: Lines, teams, tasks and issues on the page.
LINES, TEAMS, TASKS, ISSUES = 5, 6, 4, 6
#: How far back the last activities of teams are searched.
RECENT = timedelta(days=30)
#: Seconds between requests of an open page for new lines, and for which shared caches may answer them.
EVERY, SHARED = 8, 3
#: Settings of the account that the first steps do not change.
_KEPT = ("activity", "unlisted", "quiet_unfollow")


@blueprint.get("/")
def front() -> str:
    """Show the front page."""
    user = account()
    if user is None:
        return visitor_page.page(_visitor_page)
    narrow = request.args.get("show", "all")
    narrow = narrow if narrow in stream.FILTERS else "all"
    values = person.parts(user, narrow)
    more = {"narrow": narrow, "labels": LABELS, "locales": i18n.names(), "announcements": _announcements()}
    return render_template("home/person.html", user=user, **more, **values)


def _visitor_page() -> str:
    return render_template("home/visitor.html", **_for_visitors(), announcements=_announcements())


def _announcements() -> Sequence[Announcement]:
    return announcements.current(db(), current_person())


def _for_visitors() -> Mapping[str, Any]:
    session, viewer, cache = db(), current_person(), app_context().fragments.signed
    teams = directory.teams(session, viewer, directory.Options()).entries[:TEAMS]
    hubs = [entry.hub for entry in teams]
    series = numbers.series(session, cache, hubs)
    today, wanted = numbers.today(session, cache), tasks(session, viewer)
    open_issues = issues(session, app_context().fragments, viewer)
    return {
        "lines": live.newest(session, viewer, LINES),
        "every": EVERY,
        "today": today,
        "today_line": sparkline.draw(today.hours, 320, 48),
        "teams": teams,
        "last": live.last_of_teams(session, viewer, hubs, now() - RECENT),
        "sparks": {hub_id: sparkline.draw(counts) for hub_id, counts in series.items()},
        "tasks": wanted[:TASKS],
        "open_tasks": len(wanted) + len(open_issues),
        "issues": open_issues[:ISSUES],
    }


@blueprint.post("/home/seen")
def mark_seen() -> ResponseReturnValue:
    """Mark the summary of the person's absence as seen."""
    myself()
    home.mark_seen(db(), current_person())
    db().commit()
    return redirect(urls.front(), 303)


@blueprint.post("/home/steps")
def first_steps() -> ResponseReturnValue:
    """Dismiss the card of first steps, or bring it back."""
    myself()
    home.show_first_steps(db(), current_person(), shown=request.form.get("act") == "show")
    db().commit()
    return redirect(urls.front(), 303)


@blueprint.post("/home/profile")
def profile() -> ResponseReturnValue:
    """Save the name, time zone and language of the first steps."""
    user = myself()
    values = {name: request.form[name] for name in ("fullname", "timezone", "locale") if name in request.form}
    kept = {name: getattr(user, name) for name in ("fullname", "timezone", "locale", *_KEPT)}
    try:
        account_data.update_account(db(), app_context().registry, user, {**kept, **values})
    except InvalidInput as error:
        db().rollback()
        more = {"typed": values, "wrong": error.fields, "narrow": "all", "labels": LABELS, "locales": i18n.names()}
        return render_template("home/person.html", user=user, **more, **person.parts(user, "all")), error.status
    db().commit()
    flash(_("Your profile is saved."))
    return redirect(urls.front(), 303)


@blueprint.get("/now")
def newest() -> Response:
    """Return the lines that are newer than those on an open page, the oldest first, as HTML."""
    after = request.args.get("after", 0, type=row_number)
    lines = live.newest(db(), current_person(), LINES, after)
    response = make_response(render_template("home/lines.html", lines=list(reversed(lines))))
    # Visitors all get the same.
    kind = "private, no-store" if current_person().signed_in else f"public, max-age={SHARED}"
    response.headers["Cache-Control"] = kind
    return response
