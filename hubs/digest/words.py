"""Facts of a summary as texts in the current language."""

from collections.abc import Callable

from hubs.digest.summary import Fact
from hubs.i18n import N_, _, ngettext

#: The text about a single thing, by kind.
_ONE = {
    "joined": N_("%(title)s joined"),
    "merged": N_("%(title)s was merged"),
    "closed": N_("%(title)s was closed"),
    "opened": N_("%(title)s was opened"),
    "updates": N_("%(title)s went to stable"),
    "releases": N_("%(title)s was released"),
    "meetings": N_("Meeting: %(title)s"),
    "failed": N_("%(title)s failed"),
    "help": N_("Help wanted: %(title)s"),
    "pulls": N_("%(title)s was proposed"),
    "posts": N_("New post: %(title)s"),
    "pages": N_("%(title)s was edited"),
    "badges": N_("New badge: %(title)s"),
    "built": N_("%(title)s was built"),
    "testing": N_("%(title)s went to testing"),
}
#: The text about a number of things, by kind.
_MANY: dict[str, Callable[[int], str]] = {
    "joined": lambda count: ngettext("%(num)s person joined", "%(num)s people joined", count),
    "merged": lambda count: ngettext("%(num)s pull request merged", "%(num)s pull requests merged", count),
    "closed": lambda count: ngettext("%(num)s issue closed", "%(num)s issues closed", count),
    "opened": lambda count: ngettext("%(num)s issue opened", "%(num)s issues opened", count),
    "updates": lambda count: ngettext("%(num)s update went to stable", "%(num)s updates went to stable", count),
    "releases": lambda count: ngettext("%(num)s release", "%(num)s releases", count),
    "meetings": lambda count: ngettext("%(num)s meeting", "%(num)s meetings", count),
    "failed": lambda count: ngettext("%(num)s failure", "%(num)s failures", count),
    "help": lambda count: ngettext("%(num)s call for help", "%(num)s calls for help", count),
    "pulls": lambda count: ngettext("%(num)s pull request opened", "%(num)s pull requests opened", count),
    "posts": lambda count: ngettext("%(num)s post", "%(num)s posts", count),
    "pages": lambda count: ngettext("%(num)s page edited", "%(num)s pages edited", count),
    "badges": lambda count: ngettext("%(num)s badge earned", "%(num)s badges earned", count),
    "built": lambda count: ngettext("%(num)s build", "%(num)s builds", count),
    "testing": lambda count: ngettext("%(num)s update went to testing", "%(num)s updates went to testing", count),
}


def text(fact: Fact) -> str:
    """Return a fact in words: a single thing by its title, more of them by their number."""
    if fact.count == 1 and fact.title:
        return _(_ONE[fact.kind]) % {"title": fact.title}
    return _MANY[fact.kind](fact.count) % {"num": fact.count}
