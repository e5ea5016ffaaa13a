"""The projects, calendars and tracker accounts that a message is about, as keys of the index.

They are lower case: no service distinguishes names of projects or accounts by case.
"""

from collections.abc import Iterator

from hubs.activities import table
from hubs.bus import Message

Subject = tuple[str, str]


def subjects(message: Message) -> Iterator[Subject]:
    """Yield (kind, value) of each project, calendar, account and package; see `hubs.widgets.caching.Interest`.

    Packages are those that the activity is about and the publisher did not name: Copr's messages name none.
    """
    activity = message.activity or table.read(message.name, message.body, message.topic)
    if activity is None:
        return
    for kind, value in activity.subjects:
        yield kind, value.lower()
    for package in activity.packages - message.packages:
        yield "package", package
