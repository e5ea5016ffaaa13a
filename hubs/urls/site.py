"""Paths of the pages of the whole instance: front page, search, lists of hubs and people."""

from urllib.parse import urlencode


def front() -> str:
    """Return the path of the front page."""
    return "/"


def now() -> str:
    """Return the path of the newest lines of the front page, as HTML."""
    return "/now"


def home(act: str) -> str:
    """Return the path that changes a person's home page (POST): ``seen``, ``steps`` or ``profile``."""
    return f"/home/{act}"


def help_wanted(message_id: int) -> str:
    """Return the path of a call for help, which also offers to help or withdraws that (POST)."""
    return f"/help/{message_id}"


def announcements() -> str:
    """Return the path of all announcements, for administrators, which also publishes one (POST)."""
    return "/announcements"


def announcement_act(announcement_id: int, act: str) -> str:
    """Return the path that dismisses or withdraws an announcement (POST): ``dismiss`` or ``withdraw``."""
    return f"/announcements/{announcement_id}/{act}"


def audit() -> str:
    """Return the path of the audit log of the whole instance."""
    return "/audit"


def language() -> str:
    """Return the path that stores a language in this browser, and redirects to ``?next=``."""
    return "/language"


def search(typed: str = "") -> str:
    """Return the path of the search page, or of the results for ``typed``."""
    return f"/search?{urlencode({'q': typed})}" if typed else "/search"


def palette() -> str:
    """Return the path of the palette's entries."""
    return "/search/palette"


def pick_people() -> str:
    """Return the path of the people whose names begin with what was typed, for fields with suggestions."""
    return "/pick/people"


def pick_zones() -> str:
    """Return the path of the time zones that match what was typed, for fields with suggestions."""
    return "/pick/zones"


def teams(**filters: str | int) -> str:
    """Return the path of the directory of teams, with filters such as ``state="idle"``."""
    return "/teams/" + (f"?{urlencode(filters)}" if filters else "")


def people(**filters: str | int) -> str:
    """Return the path of the directory of people."""
    return "/people/" + (f"?{urlencode(filters)}" if filters else "")
