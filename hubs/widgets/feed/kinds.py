"""Icons of activities, by verb or, without one, by the category of the message."""

from hubs.i18n import N_
from hubs.widgets.feed.cards import ICONS, Item

#: Kinds of activity by which a hub's stream can be filtered: name → label, and the icons of their categories.
KINDS = {
    "code": (N_("Code"), ("branch",)),
    "bugs": (N_("Bugs"), ("bug",)),
    "builds": (N_("Builds"), ("hammer", "disc")),
    "tests": (N_("Tests"), ("check",)),
    "packages": (N_("Packages"), ("package",)),
    "talk": (N_("Discussion"), ("chat", "mail")),
    "meetings": (N_("Meetings"), ("calendar",)),
    "pages": (N_("Documentation"), ("page",)),
    "badges": (N_("Badges"), ("badge",)),
    "hubs": (N_("Hubs and groups"), ("hub", "user")),
}
#: Verbs that report a failure, which is shown in red with an icon of its own.
FAILED = frozenset(
    (
        "build.failed",
        "checks.failed",
        "compose.failed",
        "gate.closed",
        "koschei.fails",
        "koschei.unresolved",
        "test.failed",
    )
)
#: By verb, and by the part of it behind or before the dot, in this order.
_VERBS = {
    "code.pushed": "git-commit-horizontal",
    "hub.joined": "user-plus",
    "hub.member_added": "user-check",
    "hub.stargazer_added": "star",
    "hub.subscriber_added": "bell",
    "hotness.filed": "bug",
    "karma.given": "cookie",
    "mail.sent": "mail",
    "member.applied": "user-plus",
    "package.tagged": "tag",
    "pull.merged": "git-merge",
    "release.published": "rocket",
}
_ACTIONS = {"commented": "message-square", "answered": "message-square", "labeled": "tag"}
_FAMILIES = {
    "branch": "git-branch",
    "bug": "bug",
    "build": "hammer",
    "checks": "check",
    "commit": "git-commit-horizontal",
    "issue": "bug",
    "meeting": "chat",
    "pull": "branch",
    "tag": "tag",
    "test": "check",
    "topic": "chat",
    "translation": "languages",
    "update": "package-check",
    "wiki": "page",
}


def categories(kind: str) -> tuple[str, ...]:
    """Return the categories of messages of a kind, one of `KINDS`."""
    _label, icons = KINDS[kind]
    return tuple(sorted(name for name, symbol in ICONS.items() if symbol in icons))


def is_failure(item: Item) -> bool:
    """Return whether a message reports a failure."""
    return item.activity is not None and item.activity.verb in FAILED


def icon(item: Item) -> str:
    """Return the name of a message's icon."""
    if is_failure(item):
        return "circle-x"
    verb = item.activity.verb if item.activity else ""
    family, _dot, action = verb.partition(".")
    by_category = ICONS.get(item.category, "box")
    return _VERBS.get(verb) or _ACTIONS.get(action) or _FAMILIES.get(family) or by_category
