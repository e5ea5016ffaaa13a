"""Changes a person's own settings, exports their data, and deletes accounts."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.actions import outbox, own_messages, pictures, push
from hubs.actions.inbox import export as inbox_export
from hubs.actions.layout import documents, drafts
from hubs.actions.people import bookmarks, membership, tokens
from hubs.actions.people import roles as role_actions
from hubs.actions.privacy import anonymize
from hubs.actions.webhooks import hooks, keys
from hubs.errors import Conflict, InvalidInput
from hubs.i18n import _
from hubs.models import (
    AuditEntry,
    Hub,
    MessagePerson,
    Role,
    RoleName,
    SignIn,
    StoredMessage,
    StreamMark,
    User,
    Visibility,
    now,
    visible_text,
)
from hubs.permissions import Person, hides_from, names_any
from hubs.widgets.registry import Registry

#: Choices for the visibility of a person's activity: everybody, people who are signed in, or the person alone.
ACTIVITY = (Visibility.PUBLIC, Visibility.SIGNED_IN, Visibility.OWNERS)
#: Most messages in an export, the newest first.
MESSAGES = 10_000


def update_account(session: Session, registry: Registry, user: User, values: Mapping[str, Any]) -> list[str]:
    """Change a person's own settings; return the names of those that changed.

    The daemon rebuilds what is cached with the old settings; its message does not name the person.

    :raises InvalidInput: with one sentence per field that cannot be accepted.
    """
    cleaned = _clean(values)
    before = user.activity
    changed = sorted(name for name, value in cleaned.items() if getattr(user, name) != value)
    for name in changed:
        setattr(user, name, cleaned[name])
    hub = own_hub(session, user)
    if changed and hub is not None:
        if "activity" in changed:
            _narrow(registry, hub, before, user.activity)
        hub.touch()
        session.flush()
        tell(session, hub, "privacy")
    return changed


def own_hub(session: Session, user: User) -> Hub | None:
    """Return a person's own hub."""
    return session.scalars(select(Hub).where(Hub.user_id == user.id, Hub.kind == "user")).first()


def tell(session: Session, hub: Hub, key: str) -> None:
    """Make the daemon rebuild the lists and feeds that contain a person, by a message that does not name them."""
    body = outbox.about_hub(session, hub, hub.name, changed_keys=[key])
    outbox.record(session, "hubs.hub.updated", body, hub, quiet=True)


def export(session: Session, registry: Registry, person: Person, user: User) -> dict[str, Any]:
    """Return everything that is stored about a person, as JSON types.

    Left out are messages that also name people who hide their activity from this person, and whatever would name a hub
    that the person can no longer see: its name may have changed since.
    """
    return {
        **_account(session, registry, user),
        **_belonging(session, person),
        **_credentials(session, person, user),
        **_layouts(session, person, user),
        **_activity(session, person, user),
    }


def _account(session: Session, registry: Registry, user: User) -> dict[str, Any]:
    hub = own_hub(session, user)
    names = ("username", "fullname", "timezone", "locale", "about", "issuer", "subject", "unlisted", "quiet_unfollow")
    return {
        "account": {**{name: getattr(user, name) for name in names}, "activity": user.activity.value},
        "created_on": user.created_on.isoformat(),
        "last_active": user.last_active.isoformat() if user.last_active else None,
        "hub": documents.describe(hub, registry).plain() if hub else None,
        "pictures": [
            {
                "kind": picture.kind.value,
                "created_on": picture.created_on.isoformat(),
                "type": "image/webp",
                "base64": b64encode(picture.content).decode(),
            }
            for picture in pictures.of_account(session, user)
        ],
    }


def _belonging(session: Session, person: Person) -> dict[str, Any]:
    requests, invitations = membership.mine(session, person)
    return {
        "roles": [
            {"hub": role.hub.name, "kind": role.hub.kind, "role": role.role.value}
            for role in role_actions.mine(session, person)
        ],
        "requests": [
            {"hub": request.hub.name, "message": request.message, "state": request.state.value} for request in requests
        ],
        "invitations": [
            {"hub": invitation.hub.name, "role": invitation.role.value, "by": invitation.invited_by}
            for invitation in invitations
        ],
    }


def _credentials(session: Session, person: Person, user: User) -> dict[str, Any]:
    sign_ins = session.scalars(select(SignIn.created_on).where(SignIn.user_id == user.id))
    return {
        "signed_in_since": [created_on.isoformat() for created_on in sign_ins],
        "tokens": [
            {"name": token.name, "scope": token.scope.value, "created_on": token.created_on.isoformat()}
            for token in tokens.mine(session, person)
        ],
        "push_tokens": [
            {"name": token.name, "hub": token.widget.hub.name, "created_on": token.created_on.isoformat()}
            for token in push.mine(session, person)
        ],
        "webhooks": [
            {"name": hook.name, "hub": hook.hub.name, "created_on": hook.created_on.isoformat()}
            for hook in hooks.mine(session, person)
        ],
        "hub_keys": [
            {"host": key.origin, "hub": key.hub.name, "created_on": key.created_on.isoformat()}
            for key in keys.mine(session, person)
        ],
    }


def _layouts(session: Session, person: Person, user: User) -> dict[str, Any]:
    return {
        "drafts": [
            {"hub": of_hub.name, "updated_on": draft.updated_on.isoformat(), "layout": draft.steps[draft.at]}
            for draft, of_hub in drafts.mine(session, person)
        ],
        "bookmarks": [bookmarked.name for bookmarked in bookmarks.read(session, person).hubs],
    }


def _activity(session: Session, person: Person, user: User) -> dict[str, Any]:
    changes = session.scalars(select(AuditEntry).where(AuditEntry.agent == user.username))
    return {
        **inbox_export.read(session, person),
        "saved_and_hidden": _marks(session, user),
        "messages": _messages(session, person, user.username),
        "changes": [
            {"at": entry.at.isoformat(), "action": entry.action, "hub": entry.hub_name, "origin": entry.origin}
            for entry in changes
        ],
    }


def forget(session: Session, user: User) -> None:
    """Delete an account with its hub, roles and sessions, and anonymise what is kept.

    :raises Conflict: when a hub would lose its last owner.
    """
    roles = session.scalars(select(Role).where(Role.user_id == user.id)).all()
    # Nobody else could restore a deleted hub that this person owns alone.
    for role in roles:
        if role.hub.deleted_on is not None and _is_last_owner(session, role):
            own_messages.forget_hub(session, role.hub_id)
            session.delete(role.hub)
    session.flush()
    roles = session.scalars(select(Role).where(Role.user_id == user.id)).all()
    ownerless = sorted({role.hub.title for role in roles if _is_last_owner(session, role)})
    if ownerless:
        raise Conflict(
            _("You are the last owner of %(hubs)s. Make somebody else an owner first, so that they go on.")
            % {"hubs": ", ".join(ownerless)}
        )
    for role in roles:
        if role.hub.user_id != user.id:
            role_actions.revoke_role_unchecked(session, user.username, role.hub, user, role.role, quiet=True)
    hub = own_hub(session, user)
    number = hub.id if hub is not None else None
    if hub is not None:
        own_messages.forget_hub(session, hub.id)
        session.delete(hub)
        session.flush()
    anonymize.anonymise(session, user.username, f"deleted-{user.id}", number)
    session.expire(user, ["roles"])
    session.delete(user)
    session.flush()


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    cleaned: dict[str, Any] = {
        "fullname": "",
        "timezone": str(values.get("timezone") or "UTC"),
        "locale": str(values.get("locale") or ""),
        "unlisted": bool(values.get("unlisted")),
        "quiet_unfollow": bool(values.get("quiet_unfollow")),
    }
    errors = {}
    try:
        cleaned["fullname"] = visible_text.clean_name(values.get("fullname"))[:255]
    except InvalidInput as error:
        errors["fullname"] = str(error)
    if cleaned["timezone"] not in available_timezones():
        errors["timezone"] = _("Please write a time zone such as Europe/Oslo.")
    if cleaned["locale"] and cleaned["locale"] not in i18n.locales():
        errors["locale"] = _("Please choose one of the languages.")
    if values.get("activity") not in [level.value for level in ACTIVITY]:
        errors["activity"] = _("Please choose who can see it.")
    if errors:
        raise InvalidInput(_("Some fields need your attention."), errors)
    return {**cleaned, "activity": Visibility(values["activity"])}


def _narrow(registry: Registry, hub: Hub, before: Visibility, after: Visibility) -> None:
    """Set the visibility of the widgets that show a person's activity on their own hub."""
    for row in hub.widgets:
        widget_type = registry.get(row.plugin)
        if widget_type is None or not widget_type.cls.shows_activity:
            continue
        if row.visibility == before or row.visibility.rank < after.rank:
            row.visibility, row.updated_on = after, now()
            row.version += 1
    if after != Visibility.PUBLIC:
        hub.last_activity = None


def _messages(session: Session, person: Person, username: str) -> list[dict[str, Any]]:
    hidden = names_any(MessagePerson.message_id, hides_from(person))
    mine = select(MessagePerson.message_id, MessagePerson.received_at).where(
        MessagePerson.username == username, MessagePerson.hub_id.is_(None), ~hidden
    )
    newest = mine.order_by(MessagePerson.received_at.desc()).limit(MESSAGES)
    rows = session.scalars(
        select(StoredMessage)
        .where(tuple_(StoredMessage.id, StoredMessage.received_at).in_(newest))
        .order_by(StoredMessage.received_at.desc())
    )
    return [
        {"id": row.msg_id, "topic": row.topic, "sent_at": row.sent_at.isoformat(), "sentence": row.sentence}
        for row in rows
    ]


def _marks(session: Session, user: User) -> list[dict[str, Any]]:
    query = select(StreamMark, StoredMessage.msg_id).join(StoredMessage, StoredMessage.id == StreamMark.message_id)
    return [
        {"message": msg_id, "saved": mark.saved, "hidden": mark.hidden}
        for mark, msg_id in session.execute(query.where(StreamMark.user_id == user.id))
    ]


def _is_last_owner(session: Session, role: Role) -> bool:
    if role.role != RoleName.OWNER or role.hub.user_id == role.user_id:
        return False
    owners = select(func.count()).where(Role.hub_id == role.hub_id, Role.role == RoleName.OWNER)
    return (session.scalar(owners) or 0) <= 1
