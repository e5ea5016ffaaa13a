"""The account system: its own messages (``fas``) and those of its directory server (``ipa``)."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from hubs.activities.activity import Activity, Thing, names
from hubs.activities.fields import Body, people, person, text

_MEMBERS = {
    "sponsor": "member.added",
    "remove": "member.removed",
    "removed": "member.removed",
    "apply": "member.applied",
    "update": "member.changed",
}
_IPA = {
    "group_add_member": "member.added",
    "group_remove_member": "member.removed",
    "user_add": "account.created",
    "user_mod": "account.edited",
}


def fas(name: str, body: Body) -> Activity | None:
    """Read a message about an account or a group."""
    event = name.partition(".")[2]
    agent, user, group = person(body, "agent"), person(body, "user"), person(body, "group")
    if event.startswith("group.member."):
        verb = _MEMBERS.get(event.removeprefix("group.member."))
        if verb is None or not user:
            return None
        return Activity(verb, agent, _group(group), target=user, people=names(agent, user), groups=names(group))
    if event.startswith("group."):
        verb = "group.created" if event == "group.create" else "group.edited"
        return Activity(verb, agent, _group(group), people=names(agent), groups=names(group))
    if event in ("user.create", "user.update"):
        if agent in ("", user):
            verb = "account.joined" if event == "user.create" else "account.own_edited"
            return Activity(verb, user, _account(user), people=names(user))
        verb = "account.created" if event == "user.create" else "account.edited"
        return Activity(verb, agent, _account(user), target=user, people=names(agent, user))
    if event.startswith("role."):
        return Activity(
            "member.changed", agent, _group(group), target=user, people=names(agent, user), groups=names(group)
        )
    return None


def ipa(name: str, body: Body) -> Activity | None:
    """Read a message of the directory server; the parameters of the call are JSON in a text field."""
    verb = _IPA.get(text(body, "IPA_API_COMMAND"))
    if verb is None or text(body, "IPA_API_RESULT") not in ("SUCCESS", ""):
        return None
    actor, values = text(body, "IPA_API_ACTOR").partition("@")[0], parameters(body)
    if verb.startswith("member."):
        group, members = text(values, "cn"), list(people(values, "user"))
        groups = names(group, people(values, "group"))
        target = ", ".join(members or people(values, "group"))
        return Activity(verb, actor, _group(group), target=target, people=names(actor, members), groups=groups)
    user = text(values, "uid")
    return Activity(verb, actor, _account(user), target=user, people=names(actor, user))


def parameters(body: Body) -> Mapping[str, Any]:
    """Return the parameters of a call to the directory server."""
    try:
        params = json.loads(text(body, "IPA_API_PARAMS") or "{}")
    except (ValueError, RecursionError):
        return {}
    return params if isinstance(params, dict) else {}


def _account(name: str) -> Thing:
    return Thing("person", link=f"https://accounts.fedoraproject.org/user/{name}/" if name else "")


def _group(name: str) -> Thing:
    link = f"https://accounts.fedoraproject.org/group/{name}/" if name else ""
    return Thing("group", number=name, link=link)


READERS: Mapping[str, Callable[[str, Body], Activity | None]] = {"fas": fas, "ipa": ipa}
