"""What a sample of a widget consists of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

SITE = "https://example.org/"


@dataclass(frozen=True)
class Sample:
    """Settings of a widget, and what its cached functions return where it has content, and where it has none.

    ``blank`` are the settings where it has none, for a widget whose content is in them.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    live: Mapping[str, Any] = field(default_factory=dict)
    empty: Mapping[str, Any] = field(default_factory=dict)
    blank: Mapping[str, Any] | None = None


#: Makes a sample whose times are told from a moment, which is now.
Make = Callable[[datetime], Sample]
