"""The table of readers by topic family."""

import logging
from collections.abc import Callable, Mapping

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


def family(name: str) -> str:
    """Return the topic family of a message: the first part of its name."""
    return name.partition(".")[0]


def read(name: str, body: Body) -> Activity | None:
    """Return the activity of a message, or None if no reader supports it. Never raises.

    :param name: the topic without prefix and environment.
    """
    reader = READERS.get(family(name))
    if reader is None:
        return None
    try:
        return reader(name, body)
    except Exception:  # publishers may send anything; one bad message must not stop the others
        log.warning("%.100r cannot be read", name, exc_info=True)
        return None
