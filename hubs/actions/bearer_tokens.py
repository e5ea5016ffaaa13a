"""What all bearer tokens share: creation, fingerprints, and recording their use."""

import hashlib
import secrets
from datetime import datetime, timedelta

from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import BearerToken, now

#: Most days of validity, and most characters of a name.
DAYS, NAME = 366, 64
#: The last use of a token is recorded at most this often.
USED_STEP = timedelta(minutes=1)


def checked(name: str, days: int) -> str:
    """Return the name of a new token on one line.

    :raises InvalidInput: when the name or the number of days cannot be used.
    """
    name = " ".join(name.split())
    wrong = {}
    if not 0 < len(name) <= NAME or "\0" in name:
        wrong["name"] = _("Please name the token, in at most 64 characters.")
    if not 1 <= days <= DAYS:
        wrong["days"] = _("Please write a whole number from %(least)d to %(most)d.") % {"least": 1, "most": DAYS}
    if wrong:
        raise InvalidInput(_("Some fields need your attention."), wrong)
    return name


def fresh(prefix: str) -> str:
    """Return the text of a new token."""
    return prefix + secrets.token_urlsafe(32)


def ends_in(days: int) -> datetime:
    """Return when a token expires that is created now."""
    return now() + timedelta(days=days)


def fingerprint(text: str) -> str:
    """Return what the table keeps of a token."""
    # A token has 256 random bits and cannot be guessed: no slow hash is needed.
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def note_use(token: BearerToken) -> None:
    """Record that a token was used just now."""
    if token.last_used is None or token.last_used < now() - USED_STEP:
        token.last_used = now()
