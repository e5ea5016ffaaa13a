"""Sentences about the entries of the audit log in the reader's language, such as “Elowen made Bram an owner”."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from babel.lists import format_list

from hubs import i18n
from hubs.activities.forms import Forms
from hubs.activities.sentences import Part, filled
from hubs.i18n import N_, _
from hubs.models import AuditEntry
from hubs.models.hub_fields import HUB_FIELDS

#: Sentences by action; more specific ones add what the entry's details name, such as a role.
FORMS: Mapping[str, Forms] = {
    "hubs.user.created": Forms(N_("{target} got an account")),
    "hubs.user.role.added.owner": Forms(N_("{actor} made {target} an owner"), nobody=N_("{target} became an owner")),
    "hubs.user.role.added.member": Forms(N_("{actor} made {target} a member"), nobody=N_("{target} became a member")),
    "hubs.user.role.added.subscriber": Forms(N_("{target} subscribed to the hub")),
    "hubs.user.role.added.stargazer": Forms(N_("{target} starred the hub")),
    "hubs.user.role.removed.owner": Forms(
        N_("{actor} removed {target} from the owners"), nobody=N_("{target} is no longer an owner")
    ),
    "hubs.user.role.removed.member": Forms(
        N_("{actor} removed {target} from the members"), nobody=N_("{target} is no longer a member")
    ),
    "hubs.user.role.removed.subscriber": Forms(N_("{target} unsubscribed from the hub")),
    "hubs.user.role.removed.stargazer": Forms(N_("{target} took back the star")),
    "hubs.user.token.created": Forms(N_("{actor} created the API token {thing}")),
    "hubs.user.token.revoked": Forms(N_("{actor} revoked the API token {thing}")),
    "hubs.request.created": Forms(N_("{actor} asked to join")),
    "hubs.request.approved": Forms(N_("{actor} approved the request of {target} to join")),
    "hubs.request.denied": Forms(N_("{actor} denied the request of {target} to join")),
    "hubs.invitation.created": Forms(N_("{actor} invited {target}")),
    "hubs.invitation.removed": Forms(N_("{actor} withdrew the invitation to {target}")),
    "hubs.invitation.accepted": Forms(N_("{actor} accepted the invitation")),
    "hubs.invitation.declined": Forms(N_("{actor} declined the invitation")),
    "hubs.announcement.published": Forms(N_("{actor} published the announcement {thing}")),
    "hubs.announcement.withdrawn": Forms(N_("{actor} withdrew the announcement {thing}")),
    "hubs.help.offered": Forms(N_("{target} offered to help")),
    "hubs.help.withdrawn": Forms(N_("{target} withdrew an offer to help")),
    "hubs.help.ended": Forms(N_("The offer of {target} to help ended after two weeks without an answer")),
    "hubs.hub.created": Forms(N_("{actor} created the hub")),
    "hubs.hub.updated": Forms(N_("{actor} changed the hub")),
    "hubs.hub.updated.fields": Forms(N_("{actor} changed {detail}")),
    "hubs.hub.updated.archived": Forms(N_("{actor} archived the hub")),
    "hubs.hub.updated.unarchived": Forms(N_("{actor} took the hub out of the archive")),
    "hubs.hub.updated.name": Forms(N_("{actor} renamed the hub")),
    "hubs.hub.updated.deleted": Forms(N_("{actor} deleted the hub"), nobody=N_("The deleted hub was removed for good")),
    "hubs.hub.updated.restored": Forms(N_("{actor} restored the hub")),
    "hubs.hub.updated.emblem": Forms(N_("{actor} changed the emblem")),
    "hubs.hub.updated.cover": Forms(N_("{actor} changed the cover image")),
    "hubs.hub.updated.picture": Forms(N_("{actor} changed their picture")),
    "hubs.hub.updated.privacy": Forms(N_("{actor} changed what others see of them")),
    "hubs.hub.updated.subscriptions": Forms(N_("{actor} changed their subscriptions")),
    "hubs.page.added": Forms(N_("{actor} added the page {thing}")),
    "hubs.page.changed": Forms(N_("{actor} changed the page {thing}")),
    "hubs.page.ordered": Forms(N_("{actor} changed the order of the pages")),
    "hubs.page.removed": Forms(N_("{actor} removed the page {thing}")),
    "hubs.key.entered": Forms(N_("{actor} entered a key for {thing}")),
    "hubs.key.removed": Forms(N_("{actor} removed the key for {thing}")),
    "hubs.webhook.created": Forms(N_("{actor} created the webhook {thing}")),
    "hubs.webhook.changed": Forms(N_("{actor} changed the webhook {thing}")),
    "hubs.webhook.rotated": Forms(N_("{actor} gave the webhook {thing} a new secret")),
    "hubs.webhook.deleted": Forms(N_("{actor} deleted the webhook {thing}")),
    "hubs.widget.created": Forms(N_("{actor} added the widget {thing}")),
    "hubs.widget.updated": Forms(N_("{actor} changed the widget {thing}")),
    "hubs.widget.updated.position": Forms(N_("{actor} moved {thing}")),
    "hubs.widget.updated.content": Forms(
        N_("{actor} changed the widget {thing}"), nobody=N_("{thing} got new content")
    ),
    "hubs.widget.deleted": Forms(N_("{actor} removed the widget {thing}")),
}
_LABELS = {field.name: field.label for field in HUB_FIELDS}
#: Keys of a hub's changes that are not fields of its record.
_OTHER = ("deleted", "name", "emblem", "cover", "picture", "privacy", "subscriptions")


def describe(entry: AuditEntry, accounts: Mapping[str, str]) -> list[Part]:
    """Return the sentence about an entry; the name of its action if it has none.

    :param accounts: display names by account.
    """
    detail = entry.detail or {}
    forms = FORMS.get(_key(entry.action, detail)) or FORMS.get(entry.action)
    if forms is None:
        return [Part(entry.action)]
    values = {
        "actor": entry.agent,
        "target": _text(detail, "username") or entry.agent,
        "thing": next(filter(None, (_text(detail, key) for key in _NAMES)), "") or _("without a name"),
        "detail": _fields(detail.get("changed_keys")),
    }
    return filled(_(forms.nobody if forms.nobody and not entry.agent else forms.named), values, accounts)


#: The details that name what an entry is about, the first one counts.
_NAMES = ("widget_label", "webhook", "page", "key", "announcement", "name")


def people(entries: Iterable[AuditEntry]) -> set[str]:
    """Return the accounts that the sentences about entries name."""
    return {name for entry in entries for name in (entry.agent, _text(entry.detail or {}, "username")) if name}


def changes(entry: AuditEntry) -> list[tuple[str, Any, Any]]:
    """Return the values that an entry recorded: the field, the value before and after."""
    detail = entry.detail or {}
    if _text(detail, "old_role"):
        return [("role", detail["old_role"], detail.get("role"))]
    values = detail.get("values")
    if not isinstance(values, dict):
        return []
    return [(name, *pair) for name, pair in values.items() if isinstance(pair, list) and len(pair) == 2]


def _key(action: str, detail: Mapping[str, Any]) -> str:
    act = _text(detail, "act")
    if action.startswith("hubs.user.role."):
        added = action.replace("role.changed", "role.added")
        return f"{added}.{_text(detail, 'role')}"
    if act and "webhook" in detail:
        return f"hubs.webhook.{act}"
    if act and "page" in detail:
        return f"hubs.page.{act}"
    if act and "key" in detail:
        return f"hubs.key.{act}"
    if act and "announcement" in detail:
        return f"hubs.announcement.{act}"
    keys = detail.get("changed_keys")
    if not isinstance(keys, Sequence) or isinstance(keys, str) or not keys:
        return action
    if action == "hubs.widget.updated":
        return f"{action}.{keys[0]}" if len(keys) == 1 else action
    return f"{action}.{_hub_key(keys, detail)}"


def _hub_key(keys: Sequence[Any], detail: Mapping[str, Any]) -> str:
    if list(keys) == ["archived"]:
        values = detail.get("values")
        pair = values.get("archived") if isinstance(values, dict) else None
        return "unarchived" if pair == [True, False] else "archived" if pair == [False, True] else "fields"
    if "deleted" in keys and detail.get("act") == "restored":
        return "restored"
    return next((key for key in _OTHER if key in keys), "fields")


def _fields(keys: Any) -> str:
    """Return the labels of changed fields as a list in the current language: “Title”, “Summary” and “Website”."""
    names = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
    quoted = [_("“{title}”").replace("{title}", _(_LABELS.get(name, name))) for name in names]
    return format_list(quoted, locale=i18n.current()) if quoted else ""


def _text(detail: Mapping[str, Any], name: str) -> str:
    value = detail.get(name)
    return value if isinstance(value, str) else ""
