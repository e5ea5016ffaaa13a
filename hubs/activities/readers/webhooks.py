"""What services tell that only send webhooks: Weblate, and whatever follows Standard Webhooks or CloudEvents."""

from hubs.activities.activity import Activity, Thing, names
from hubs.activities.fields import Body, address, first, get, person, text

#: Fields of an event's data that name it, link it, and say who caused it.
_TITLES = ("title", "name", "summary", "subject")
_LINKS = ("html_url", "url", "link")
_ACTORS = ("user", "actor", "author", "sender")


def weblate(name: str, body: Body) -> Activity | None:
    """Read what happened to a translation; Weblate says it in English in ``action``."""
    project = "/".join(filter(None, (text(body, "project"), text(body, "component"))))
    if not project:
        return None
    language, who = text(body, "translation"), first(text(body, "user"), text(body, "author"))
    thing = Thing("translation", number=f" ({language})" if language else "", link=address(get(body, "url")))
    return Activity(
        "translation.changed",
        actor=f"weblate:{who}" if who else "",
        thing=thing,
        project=project,
        detail=text(body, "action"),
        # What changes a component changes its project.
        subjects=frozenset(("project", f"weblate:{name}") for name in {project, text(body, "project") or project}),
    )


def standard(name: str, body: Body) -> Activity | None:
    """Read an event of Standard Webhooks (``type``, ``data``), or the test of a webhook from its settings."""
    if name == "webhook.test":
        who = text(body, "agent")
        return Activity("webhook.tested", who, Thing("webhook", text(body, "name")), people=names(who))
    return _event(body, "webhook", text(body, "type"))


def cloudevents(name: str, body: Body) -> Activity | None:
    """Read an event in the format of CloudEvents."""
    return _event(body, "cloudevents", first(text(body, "subject"), text(body, "type")))


def _event(body: Body, family: str, otherwise: str) -> Activity | None:
    data, kind = get(body, "data"), text(body, "type")
    if not kind:
        return None
    title = first(*(text(data, name) for name in _TITLES), otherwise)
    link = address(*(get(data, name) for name in _LINKS))
    who = first(*(person(data, name) for name in _ACTORS))
    detail = kind if title != kind else ""
    return Activity("event.reported", f"{family}:{who}" if who else "", Thing("event", title, link=link), detail=detail)
