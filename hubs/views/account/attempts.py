"""Sign-ins of a browser that are under way at the OpenID provider."""

from typing import Any

from flask import session

#: Prefix of Authlib's entries in the session.
STATE = "_state_oidc_"


def pending_attempts() -> dict[str, Any]:
    """Return the session's entries of sign-ins that have not come back from the provider, oldest first."""
    entries = [(name, value) for name, value in session.items() if name.startswith(STATE)]
    return dict(sorted(entries, key=lambda entry: float(entry[1].get("exp", 0))))
