"""Projects on forges in their short form, such as ``github:owner/name``; pasted addresses are converted to it."""

import re
from urllib.parse import unquote, urlsplit

from hubs.errors import InvalidInput
from hubs.i18n import _

_PART = r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}"
_HOST = r"[A-Za-z0-9][A-Za-z0-9.-]{0,199}(?::\d{1,5})?"
#: A host in front of a project on Pagure, which may also be a project of our own server: a name with a dot, or a port.
_SERVER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*(?:(?:\.[A-Za-z0-9-]+)+(?::\d{1,5})?|:\d{1,5}))/(.+)")
_PAGURE = rf"(?:forks/{_PART}/)?(?:{_PART}/)?{_PART}"
#: The form of a project's path on each forge.
_PROJECTS = {
    "github": re.compile(rf"{_PART}/{_PART}"),
    "pagure": re.compile(rf"(?:{_SERVER.pattern.removesuffix('(.+)')})?{_PAGURE}"),
    "forgejo": re.compile(rf"{_HOST}/{_PART}(?:/{_PART})?"),
    "gitlab": re.compile(rf"{_HOST}(?:/{_PART}){{1,10}}"),
    "bugzilla": re.compile(r"[^/\n]{1,100}/[^/\n]{1,100}"),
}
#: For pasted addresses of projects: the prefix of the short form by host.
_HOSTS = {
    "github.com": "github:",
    "gitlab.com": "gitlab:gitlab.com/",
    "pagure.io": "pagure:",
    "src.fedoraproject.org": "pagure:src.fedoraproject.org/",
    "code.opensuse.org": "pagure:code.opensuse.org/",
    "codeberg.org": "forgejo:codeberg.org/",
}


def short(text: str) -> str:
    """Return the short form of a project, of which `_PROJECTS` has one pattern per forge.

    :raises InvalidInput: when it has none.
    """
    forge, _colon, path = _pasted(text).partition(":")
    forge, path = forge.strip().lower(), path.strip().strip("/")
    pattern = _PROJECTS.get(forge)
    if pattern is None or not pattern.fullmatch(path):
        raise InvalidInput(
            _(
                "Please write a project as github:owner/name, pagure:name, pagure:namespace/name, pagure:host/name, "
                "forgejo:host/owner/name, gitlab:host/group/name or bugzilla:product/component."
            )
        )
    return f"{forge}:{path}"


def pagure_server(path: str) -> tuple[str, str]:
    """Return the host, or an empty text for our own server, and the path of a project on Pagure."""
    match = _SERVER.fullmatch(path)
    return (match[1], match[2]) if match else ("", path)


def _pasted(text: str) -> str:
    """Convert a pasted address on a well-known forge to the short form of the project."""
    if not text.startswith(("https://", "http://")):
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    prefix = _HOSTS.get((parts.hostname or "").removeprefix("www."))
    # Pages of a project on GitLab are below /-/.
    path = unquote(parts.path).partition("/-/")[0].strip("/").removesuffix(".git")
    if prefix in ("github:", "forgejo:codeberg.org/"):
        path = "/".join(path.split("/")[:2])
    return f"{prefix}{path}" if prefix else text
