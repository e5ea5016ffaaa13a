"""Templates of new teams' hubs: their widgets and initial texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hubs.actions import hubs
from hubs.errors import InvalidInput, TooManyRequests
from hubs.i18n import N_, gettext
from hubs.models import AuditEntry, Hub, JoinMode, User, now
from hubs.permissions import Person, require
from hubs.widgets.registry import Registry

#: Most hubs that one person can create within `SPAN`.
MOST = 10
SPAN = timedelta(days=1)


@dataclass(frozen=True)
class Template:
    """A template: its name and purpose, its (column, widget) pairs from the top, and initial settings.

    Without ``layout`` a hub gets the default widgets of a team. ``texts`` are initial settings by widget, translated
    into the language of the person who creates the hub.
    """

    name: str
    label: str
    summary: str
    layout: tuple[tuple[str, str], ...] | None
    join_mode: JoinMode = JoinMode.REQUEST
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


TEMPLATES = (
    Template(
        "team",
        N_("Team"),
        N_("People who work together: a pinned note, news, rules, meetings and members."),
        None,
        texts={"sticky": {"text": N_("Welcome! An owner can write here what everybody should know.")}},
    ),
    Template(
        "sig",
        N_("Special interest group"),
        N_("A group around a topic or packages: its issues, pull requests, builds, news and members."),
        (
            ("left", "about"),
            ("left", "issues"),
            ("left", "pulls"),
            ("left", "feed"),
            ("right", "stats"),
            ("right", "builds"),
            ("right", "meetings"),
            ("right", "library"),
            ("right", "members"),
        ),
        texts={"about": {"text": N_("What this group cares for, and how one can help with it.")}},
    ),
    Template(
        "event",
        N_("Event"),
        N_("Something with a date: what it is, what is coming up, useful links, and who takes part."),
        (
            ("left", "sticky"),
            ("left", "about"),
            ("left", "feed"),
            ("right", "meetings"),
            ("right", "library"),
            ("right", "members"),
        ),
        JoinMode.OPEN,
        texts={
            "sticky": {"text": N_("**When and where:** an owner can write it here.")},
            "about": {"text": N_("What the event is about, who it is for, and how one can take part.")},
        },
    ),
    Template(
        "newcomers",
        N_("Newcomers"),
        N_("A place to begin: first steps, requests for help, links, and people who answer questions."),
        (
            ("left", "about"),
            ("left", "halp"),
            ("left", "feed"),
            ("right", "rules"),
            ("right", "library"),
            ("right", "meetings"),
            ("right", "members"),
        ),
        JoinMode.OPEN,
        texts={
            "about": {
                "text": N_("Welcome! Say hello, look at the requests for help, and take one that you like: we answer.")
            }
        },
    ),
)


def get(name: str) -> Template:
    """Return a template by name.

    :raises InvalidInput: when there is none of that name.
    """
    template = next((template for template in TEMPLATES if template.name == name), None)
    if template is None:
        names = ", ".join(template.name for template in TEMPLATES)
        message = gettext("Please choose one of the templates: %(names)s.") % {"names": names}
        raise InvalidInput(message, {"template": gettext("Please choose one.")})
    return template


def start(
    session: Session,
    registry: Registry,
    person: Person,
    founder: User,
    name: str,
    values: Mapping[str, Any],
    template: str = "team",
) -> Hub:
    """Create a team's hub from a template; ``founder`` becomes its owner.

    :raises NotAllowed: when ``person`` may not create hubs.
    :raises TooManyRequests: when they already created `MOST` within `SPAN`.
    :raises InvalidInput: for a name or a value that cannot be used.
    :raises Conflict: when the name is taken.
    """
    require(person, "create")
    chosen = get(template)
    if not person.operator:
        _count(session, person)
    record = {"join_mode": chosen.join_mode, **values}
    hub = hubs.create(session, registry, founder, "team", name.strip(), record, chosen.layout)
    for row in hub.widgets:
        texts = chosen.texts.get(row.plugin, {})
        row.settings.update({key: gettext(text) for key, text in texts.items()})
    session.flush()
    return hub


def _count(session: Session, person: Person) -> None:
    # Without the person's own hub, which is created with the account, and without hubs created on the command line.
    created = select(func.count(AuditEntry.id)).where(
        AuditEntry.agent == person.username,
        AuditEntry.action == "hubs.hub.created",
        AuditEntry.at > now() - SPAN,
        AuditEntry.hub_name != person.username,
        AuditEntry.origin != "cli",
    )
    if (session.scalar(created) or 0) >= MOST:
        message = gettext("A person can create at most %(most)d hubs a day. Please try again tomorrow.")
        raise TooManyRequests(message % {"most": MOST}, 3600)
