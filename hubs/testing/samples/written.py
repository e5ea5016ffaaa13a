"""Samples of widgets whose content is written by an owner, in the settings, or sent by a program."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hubs.testing.samples.sample import SITE, Make, Sample


def _settings(**settings: Any) -> Make:
    """Return the factory of a sample for a widget that shows only its settings."""
    return lambda moment: Sample(settings, blank={})


def _pushed(moment: datetime) -> Sample:
    fields = [{"name": "queue", "value": "3", "link": "", "severity": "good"}]
    texts = {"title": "All builds are good", "severity": "good", "text": "", "link": "", "link_text": ""}
    content = {**texts, "fields": fields, "pushed_at": moment - timedelta(minutes=7)}
    return Sample({}, {"GetContent": content}, {"GetContent": None})


SAMPLES: Mapping[str, Make] = {
    "about": _settings(text="We watch the **tides** and keep the lanterns lit."),
    "sticky": _settings(text="The kettle is hot."),
    "library": _settings(items=[{"title": "Tide tables", "link": SITE, "note": "For this year."}]),
    "push": _pushed,
}
