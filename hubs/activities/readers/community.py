"""Activities beside code: badges, cookies, meetings, calendars, wiki pages, posts and mails."""

from collections.abc import Callable, Mapping
from email.utils import parseaddr

from hubs.activities.activity import Activity, Thing, names
from hubs.activities.fields import Body, address, count, first, get, items, people, person, text

_CALENDAR = {
    "meeting.new": "meeting.scheduled",
    "meeting.update": "meeting.rescheduled",
    "meeting.delete": "meeting.canceled",
    "meeting.reminder": "meeting.reminder",
    "calendar.new": "calendar.created",
    "calendar.update": "calendar.edited",
    "calendar.delete": "calendar.deleted",
    "calendar.clear": "calendar.cleared",
    "calendar.upload": "calendar.uploaded",
}


def badges(name: str, body: Body) -> Activity | None:
    """Read a message of Badges, of today (``badges.…``) or of the old bus (``fedbadges.…``)."""
    event = name.partition(".")[2]
    if event == "badge.award":
        who, badge = person(body, "user"), get(body, "badge")
        number = text(badge, "badge_id")
        link = f"https://badges.fedoraproject.org/badge/{number}" if number else ""
        return Activity("badge.earned", who, Thing("badge", text(badge, "name"), link=link), people=names(who))
    if event == "person.rank.advance":
        who = person(body, "person")
        link = f"https://badges.fedoraproject.org/user/{who}" if who else ""
        detail = text(body, "person", "rank")
        return Activity(
            "badge.rank", who, Thing("person", link=link), detail=f"#{detail}" if detail else "", people=names(who)
        )
    if event in ("person.login.first", "person.first.login"):
        who = first(person(body, "user"), person(body, "person"))
        return Activity("badge.first_login", who, people=names(who))
    return None


def cookies(name: str, body: Body) -> Activity | None:
    """Read a message about thanks: cookies in Matrix, karma in IRC."""
    if name.startswith("irc.") and name != "irc.karma":
        return None
    giver, taker = first(text(body, "sender"), person(body, "agent")), person(body, "recipient")
    if not taker:
        return None
    verb = "karma.taken" if count(body.get("vote")) < 0 else "karma.given"
    return Activity(verb, giver, target=taker, detail=text(body, "total"), people=names(giver, taker))


def meetings(name: str, body: Body) -> Activity | None:
    """Read a message of the meeting bots, in Matrix (``meeting_name``) or in IRC (``meeting_topic``)."""
    event = name.partition(".")[2]
    opened = first(person(body, "start_user"), person(body, "owner"))
    ended = person(body, "end_user")
    title = first(text(body, "meeting_name"), text(body, "meeting_topic"))
    place = first(text(body, "location"), text(body, "channel"))
    detail = place if title else ""
    logs = [address(get(log, "log_url")) for log in items(body, "logs")]
    link = address(get(body, "url"), *logs)
    present = [*people(body, "attendees"), *people(body, "chairs")]
    thing = Thing("meeting", title=title, number="" if title else place, link=link)
    if event.startswith("meeting.item."):
        line = first(text(body, "details", "line"), text(body, "details", "text"))
        speaker = person(body, "details", "nick")
        # A call for help concerns the whole meeting; fedmsg.meta names everybody present, too.
        kind = "help" if event == "meeting.item.help" else "item"
        thing = Thing("meeting", title=line or title, link=link)
        return Activity(f"meeting.{kind}", first(speaker, opened), thing, people=names(speaker, opened, present))
    if event == "meeting.start":
        return Activity("meeting.started", opened, thing, detail=detail, people=names(opened, present))
    if event == "meeting.complete":
        actor = first(ended, opened)
        return Activity("meeting.finished", actor, thing, detail=detail, people=names(opened, ended, present))
    if event == "meeting.topic.update":
        return Activity(
            "meeting.topic", opened, Thing("meeting", text(body, "topic"), link=link), people=names(opened, present)
        )
    return None


def fedocal(name: str, body: Body) -> Activity | None:
    """Read a message about a calendar."""
    event = name.partition(".")[2]
    verb = _CALENDAR.get(event)
    if verb is None:
        return None
    actor, meeting = person(body, "agent"), get(body, "meeting")
    calendar = first(text(meeting, "calendar_name"), text(body, "calendar", "calendar_name"))
    shown = first(text(body, "calendar", "calendar_name"), calendar)
    managers = get(meeting, "meeting_manager")
    named = managers.split(",") if isinstance(managers, str) else list(people(managers or []))
    number = text(meeting, "meeting_id")
    link = f"https://calendar.fedoraproject.org/meeting/{number}/" if number else ""
    if event.startswith("calendar.") and shown:
        link = f"https://calendar.fedoraproject.org/{shown}/"
    title = text(meeting, "meeting_name") if event.startswith("meeting.") else shown
    subjects = {("calendar", name) for name in (calendar, shown) if name}
    return Activity(
        verb,
        actor,
        Thing("meeting" if meeting else "calendar", title, link=link if event != "calendar.delete" else ""),
        detail=text(meeting, "meeting_date"),
        people=names(actor, (name.strip() for name in named) if event == "meeting.reminder" else ()),
        subjects=frozenset(subjects),
    )


def planet(name: str, body: Body) -> Activity | None:
    """Read a message about a post on the planet."""
    if name != "planet.post.new":
        return Activity("planet.built") if name == "planet.build" else None
    who, post = person(body, "username"), get(body, "post")
    thing = Thing("post", text(post, "title"), link=address(get(post, "link"), get(post, "url")))
    return Activity("post.published", who or text(body, "name"), thing, people=names(who))


def wiki(name: str, body: Body) -> Activity | None:
    """Read a message about an edit of a wiki page or an uploaded file."""
    who = first(person(body, "user"), text(body, "user_text"), person(body, "agent"))
    if name == "wiki.upload.complete":
        title = first(text(body, "title", "mPrefixedText"), text(body, "title"))
        path = text(body, "url")
        link = address(path) or (f"https://fedoraproject.org{path}" if path.startswith("/") else "")
        return Activity("wiki.uploaded", who, Thing("file", title, link=link), people=names(who))
    title = text(body, "title")
    link = address(get(body, "page_url"), get(body, "url"), get(body, "diff_url"))
    # An edit of a user page concerns that user, too.
    owner = title.removeprefix("User:").partition("/")[0] if title.startswith("User:") else ""
    return Activity("wiki.edited", who, Thing("page", title, link=link), people=names(who, owner))


def discourse(name: str, body: Body) -> Activity | None:
    """Read a message of Discourse.

    Authors have only Discourse names, except those of liked posts and solutions, whose accounts the publisher adds.
    """
    kind, event = name.split(".")[1:2], text(body, "hook_event")
    key = next((key for key in ("solved", "like", "post", "topic") if isinstance(body.get(key), Mapping)), "")
    if not key or not kind:
        return None
    about = body[key] if key != "like" else get(body, "like", "post")
    site = address(get(body, "hook_instance")).rstrip("/")
    topic = first(text(about, "topic_id"), text(about, "id") if key == "topic" else "")
    slug, post = first(text(about, "topic_slug"), text(about, "slug")), text(about, "post_number")
    link = "/".join(filter(None, (site, "t", slug, topic, post))) if site and topic else ""
    thing = Thing("topic", first(text(about, "topic_title"), text(about, "title")), link=link)
    author = first(text(about, "username"), text(about, "created_by", "username"), text(about, "user", "username"))
    if key == "solved":
        return Activity("topic.solved", author, thing, people=names(author), subjects=_lists(site, about))
    if key == "like":
        liker = person(body, "like", "user")
        return Activity("post.liked", f"discourse:{liker}" if liker else "", thing, target=author, people=names(author))
    verb = "topic.opened" if key == "topic" else "topic.answered"
    if event.endswith(("_edited", "_destroyed", "_recovered", "_status_updated")):
        verb = "topic.changed"
    return Activity(verb, f"discourse:{author}" if author else "", thing, subjects=_lists(site, about))


def _lists(site: str, about: object) -> frozenset[tuple[str, str]]:
    """Return the lists that a topic, or the topic of a post, is in: of its site, its category and its tags."""
    host, category = site.partition("://")[2].partition("/")[0], text(about, "category_id")
    if not host:
        return frozenset()
    tags = (first(text(tag, "name"), text(tag)) for tag in items(about, "tags"))
    places = ["", f"/c/{category}" if category else "", *(f"/tag/{tag}" for tag in tags if tag)]
    return frozenset(("project", f"discourse:{host}{place}") for place in places)


def mailman(name: str, body: Body) -> Activity | None:
    """Read a message about a mail to a mailing list."""
    mail = get(body, "msg")
    label, sender = parseaddr(text(mail, "from"))
    link = address(text(mail, "archived-at").strip("<>"))
    thing = Thing("mail", text(mail, "subject"), link=link)
    if not text(mail, "subject"):
        return None
    list_name = text(body, "mlist", "list_name")
    return Activity("mail.sent", sender or label, thing, detail=list_name, people=names(sender))


READERS: Mapping[str, Callable[[str, Body], Activity | None]] = {
    "badges": badges,
    "fedbadges": badges,
    "maubot": cookies,
    "irc": cookies,
    "meetbot": meetings,
    "fedocal": fedocal,
    "planet": planet,
    "wiki": wiki,
    "discourse": discourse,
    "mailman": mailman,
}
