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
    """Return the name of a new token with its whitespace normalised.

    :raises InvalidInput: when the name or the number of days is not valid.
    """
    name = " ".join(name.split())
    errors = {}
    if not 0 < len(name) <= NAME or "\0" in name:
        errors["name"] = _("Please name the token, in at most 64 characters.")
    if not 1 <= days <= DAYS:
        errors["days"] = _("Please write a whole number from %(least)d to %(most)d.") % {"least": 1, "most": DAYS}
    if errors:
        raise InvalidInput(_("Some fields need your attention."), errors)
    return name


def fresh(prefix: str) -> str:
    """Return the text of a new token."""
    return prefix + secrets.token_urlsafe(32)


def ends_in(days: int) -> datetime:
    """Return when a token that is created now expires."""
    return now() + timedelta(days=days)


def fingerprint(text: str) -> str:
    """Return the hash of a token, which is what the table stores."""
    # A token has 256 random bits and cannot be guessed: no slow hash is needed.
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def note_use(token: BearerToken) -> None:
    """Record the use of a token."""
    if token.last_used is None or token.last_used < now() - USED_STEP:
        token.last_used = now()
