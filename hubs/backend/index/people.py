"""The people of a hub, as messages name them."""

from collections.abc import Iterator

from hubs.models import Hub, RoleName

#: Fields of a person's hub that link another name with the account, and the prefix of that name in messages.
_ALIASES = {
    "chat_nick": "",
    "bugzilla_email": "",
    "github_username": "github:",
    "gitlab_username": "gitlab:",
    "forgejo_username": "forgejo:",
}


def members_of(hub: Hub) -> tuple[str, ...]:
    """Return the people whose messages touch the hub as a team."""
    if hub.kind == "user":
        return ()
    return tuple(sorted({role.user.username for role in hub.roles if role.role in (RoleName.OWNER, RoleName.MEMBER)}))


def aliases_of(hub: Hub) -> Iterator[str]:
    """Yield the names that a person's hub links with the account, as messages have them, in lower case."""
    if hub.kind == "user":
        for name, prefix in _ALIASES.items():
            alias = (hub.extras or {}).get(name)
            if isinstance(alias, str) and alias.strip():
                yield prefix + alias.strip().lower()
