"""What the families of demo messages share: the form of their declaration, invented texts, and people's logins."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TITLES = (
    "Page is blank after sign-in",
    "Add a dark variant",
    "Typo in the first paragraph",
    "Build fails on aarch64",
    "Document the new option",
    "Time zone is off by one hour",
    "Translate the welcome screen",
    "Crash when the list is empty",
    "Drop the unused helper",
    "Speed up the search",
)
COMMENTS = ("Works for me, thank you!", "Could you add a test?", "Reproduced here.", "This looks good.", "+1")
#: The server of the demo's own forge.
FORGE = "forge.example.org"
#: A repository there, and on the other forges.
REPOSITORY = "harbour/lantern"

Body = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """One kind of message: its topic after the environment, its relative frequency, and a function for its body."""

    topic: str
    weight: int
    make: Callable[[random.Random, str, str], Body]


def login(username: str) -> str:
    """Return a person's login at a forge, which differs from their account: only their hub links the two."""
    return f"{username}-codes"
