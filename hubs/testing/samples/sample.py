"""The type of a widget's sample content."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

SITE = "https://example.org/"


@dataclass(frozen=True)
class Sample:
    """Settings of a widget, and the return values of its cached functions with (``live``) and without content.

    ``blank`` are the settings of the widget without content, if its content is in the settings.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    live: Mapping[str, Any] = field(default_factory=dict)
    empty: Mapping[str, Any] = field(default_factory=dict)
    blank: Mapping[str, Any] | None = None


#: Creates a sample with times relative to the given time.
Make = Callable[[datetime], Sample]
