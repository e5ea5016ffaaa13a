"""Whatever happens: a count equals its list, for everybody, at every moment."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis.stateful import invariant

from hubs.actions.inbox import counts, listing
from hubs.actions.inbox.listing import Box
from tests.inboxes import PEOPLE, Inboxes, run
from tests.templates import Templates
from tests.unit.conftest import as_person


class Published:
    """Keeps the figures that were published last for each person."""

    def __init__(self) -> None:
        self.figures: dict[str, dict[str, Any]] = {}

    def publish(self, channel: str, kind: str, data: dict[str, Any]) -> str:
        """Keep an event."""
        assert kind == "notice"
        self.figures[channel] = data
        return "1"


class Counts(Inboxes):
    """Compares counts, lists, and what was published last, after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.published = Published()
        counts.publish_after_commit(self.database, self.published)  # type: ignore[arg-type]

    @invariant()
    def counts_equal_lists_and_what_was_published(self) -> None:
        for name in PEOPLE:
            who = as_person(self.session, name)
            needs = listing.page(self.session, who, Box.NEEDS_YOU).notices
            news = listing.page(self.session, who, Box.NEWS).notices
            figures = listing.counts(self.session, who)
            assert figures.needs_you == len(needs), name
            assert figures.news == sum(not row.read for row in news), name
            assert figures.snoozed == len(listing.page(self.session, who, Box.SNOOZED).notices), name
            assert figures.unread_hubs == {row.hub_id for row in (*needs, *news) if not row.read}, name
            by_hub = {hub.id: number for hub, number in listing.by_hub(self.session, who)}
            assert sum(by_hub.values()) == len(needs) + len(news), name
            assert len({row.subject for row in needs}) == len(needs), name
            shown = self.published.figures.get(f"user:{who.id}", {"kind": "inbox", "count": 0, "news": 0, "hubs": []})
            assert counts.as_event(figures) == shown, name
        self.session.rollback()


def test_every_count_equals_its_list_at_every_moment(templates: Templates, tmp_path: Path) -> None:
    run(Counts, templates, tmp_path, 2)


@pytest.mark.slow
def test_a_thousand_histories(templates: Templates, tmp_path: Path) -> None:
    run(Counts, templates, tmp_path, 1000)
