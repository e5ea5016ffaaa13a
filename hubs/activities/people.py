"""Whom the names in messages stand for."""

import re
from collections.abc import Collection, Mapping

from hubs.settings import SERVICE_ACCOUNTS

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
#: OpenID addresses and our own e-mail domain hold a username.
_ADDRESS = re.compile(r"(?:(?:https?://)?([\w.-]+?)\.id\.[\w.-]+/?|([\w.-]+)@fedoraproject\.org)")
#: Names that stand for no account.
NOBODY = frozenset(("anonymous", "apache", "nobody", "none", "null", "orphan", "root", "system", "undefined"))


class Accounts:
    """Finds accounts for names.

    ``directory`` maps chat nicks, e-mail addresses and logins at forges (``github:login``), all in lower case, to the
    accounts that people linked with them in their hubs. It may grow at any time. ``services`` are accounts under which
    programs act: they are nobody's.
    """

    def __init__(
        self, directory: Mapping[str, str] | None = None, services: Collection[str] = SERVICE_ACCOUNTS
    ) -> None:
        self.directory: Mapping[str, str] = {} if directory is None else directory
        self._nobody = NOBODY | {name.lower() for name in services}

    def account(self, name: str) -> str:
        """Return the account of a person that a name stands for, or nothing.

        Groups, Matrix ids, addresses and logins at forges spell no account: only the directory knows theirs.
        """
        account = self.directory.get(name.lower()) or username(name)
        return "" if account in self._nobody else account

    def linked(self, name: str) -> str:
        """Return the account that is linked with a name by its owner, or nothing."""
        return self.directory.get(name.lower(), "")


def username(text: str) -> str:
    """Return the account that ``text`` spells, or nothing: e-mail addresses of strangers spell none."""
    address = _ADDRESS.fullmatch(text)
    if address:
        text = address[1] or address[2]
    text = text.lower()
    return text if _USERNAME.fullmatch(text) else ""


def shown(name: str) -> str:
    """Return a name as a sentence may show it: no e-mail addresses, no prefixes of forges, no OpenID addresses."""
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
