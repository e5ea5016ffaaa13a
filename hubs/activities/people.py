"""Resolves names in messages to accounts."""

import re
from collections.abc import Collection, Mapping

from hubs.settings import SERVICE_ACCOUNTS

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
#: OpenID addresses and addresses in our own e-mail domain contain a username.
_ADDRESS = re.compile(r"(?:(?:https?://)?([\w.-]+?)\.id\.[\w.-]+/?|([\w.-]+)@fedoraproject\.org)")
#: Names that are not accounts.
NOBODY = frozenset(("anonymous", "apache", "nobody", "none", "null", "orphan", "root", "system", "undefined"))


class Accounts:
    """Resolves names to accounts.

    ``directory`` maps chat nicks, e-mail addresses and logins at forges (``github:login``), all in lower case, to the
    accounts that people linked with them in their hubs. It may grow at any time. ``services`` are accounts of programs,
    which are not people.
    """

    def __init__(
        self, directory: Mapping[str, str] | None = None, services: Collection[str] = SERVICE_ACCOUNTS
    ) -> None:
        self.directory: Mapping[str, str] = {} if directory is None else directory
        self._nobody = NOBODY | {name.lower() for name in services}

    def account(self, name: str) -> str:
        """Return the account of the person with a name, or an empty text.

        Matrix ids, e-mail addresses and logins at forges are resolved through the directory only.
        """
        account = self.directory.get(name.lower()) or username(name)
        return "" if account in self._nobody else account

    def linked(self, name: str) -> str:
        """Return the account whose owner linked a name, or an empty text."""
        return self.directory.get(name.lower(), "")


def username(text: str) -> str:
    """Return the account name in ``text``, or an empty text. E-mail addresses of other domains have none."""
    address = _ADDRESS.fullmatch(text)
    if address:
        text = address[1] or address[2]
    text = text.lower()
    return text if _USERNAME.fullmatch(text) else ""


def shown(name: str) -> str:
    """Return a name as shown in sentences: without e-mail domains, prefixes of forges and OpenID addresses."""
    if name.lower() in NOBODY:
        return ""
    if _ADDRESS.fullmatch(name):
        return username(name)
    if name.startswith("@") and ":" in name:  # Matrix: @name:server
        return name[1:].partition(":")[0]
    forge, colon, login = name.partition(":")
    if colon and forge.isalnum():
        name = login.rpartition("/")[2]
    return name.partition("@")[0] if "@" in name[1:] else name
