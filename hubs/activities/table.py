"""The table of readers by topic family."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from hubs.activities.activity import Activity
from hubs.activities.fields import Body
from hubs.activities.readers import (
    accounts,
    bugzilla,
    community,
    forges,
    infra,
    own,
    packages,
    pagure,
    retired,
    updates,
    upstream,
    webhooks,
)

log = logging.getLogger(__name__)

Reader = Callable[[str, Body], Activity | None]

#: By the first part of a message's name.
READERS: Mapping[str, Reader] = {
    "hubs": own.read,
    "github": forges.github,
    "forgejo": forges.forgejo,
    "gitlab": forges.gitlab,
    "pagure": pagure.read,
    "bodhi": updates.read,
    "buildsys": packages.buildsys,
    "copr": packages.copr,
    "build": packages.copr,
    "chroot": packages.copr,
    "koschei": packages.koschei,
    "git": packages.git,
    "pkgdb": packages.pkgdb,
    "bugzilla": bugzilla.read,
    "anitya": upstream.anitya,
    "hotness": upstream.hotness,
    "weblate": webhooks.weblate,
    "webhook": webhooks.standard,
    "cloudevents": webhooks.cloudevents,
    **community.READERS,
    **accounts.READERS,
    **infra.READERS,
    **retired.READERS,
}


#: The topics of Fedora's services, and addresses of these, to which readers link where a message has no address.
_FEDORAS = "org.fedoraproject."
_GUESSED = re.compile(r"https://(?:[a-z-]+\.)?(?:fedoraproject\.org|fedorainfracloud\.org)/")


def family(name: str) -> str:
    """Return the topic family of a message: the first part of its name."""
    return name.partition(".")[0]


def read(name: str, body: Body, topic: str = _FEDORAS) -> Activity | None:
    """Return the activity of a message, or None if no reader supports it. Never raises.

    :param name: the topic without prefix and environment.
    :param topic: the whole topic. Only messages of Fedora's services are linked to these without having an address.
    """
    reader = READERS.get(family(name))
    if reader is None:
        return None
    try:
        activity = reader(name, body)
        return activity if activity is None or topic.startswith(_FEDORAS) else _without_guess(activity, body)
    except Exception:  # publishers may send anything; one bad message must not stop the others
        log.warning("%.100r cannot be read", name, exc_info=True)
        return None


def _without_guess(activity: Activity, body: Body) -> Activity:
    """Return an activity without a link to one of Fedora's services that the message does not name itself."""
    link = activity.thing.link
    if not _GUESSED.match(link) or _GUESSED.search(str(body)):
        return activity
    return replace(activity, thing=replace(activity.thing, link=""))
