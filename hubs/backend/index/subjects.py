"""Projects, calendars and tracker accounts that a message is about, as the index looks them up.

Names of projects and accounts are the same in upper and lower case at all services.
"""

from collections.abc import Iterator

from hubs.activities import table
from hubs.bus import Message

Subject = tuple[str, str]


def subjects(message: Message) -> Iterator[Subject]:
    """Yield (kind, value) of each project, calendar, account and package; see `hubs.widgets.caching.Interest`.

    Packages are those that the activity is about, beside the ones that the publisher named: Copr's messages name none.
    """
    activity = message.activity or table.read(message.name, message.body)
    if activity is None:
        return
    for kind, value in activity.subjects:
        yield kind, value.lower()
    for package in activity.packages - message.packages:
        yield "package", package
