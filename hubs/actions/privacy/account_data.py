"""What a person says about themselves and their privacy; taking one's data along, and leaving for good."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.actions import outbox
from hubs.actions.layout import documents
from hubs.actions.people import bookmarks, membership, notifications, tokens
from hubs.actions.people import roles as role_actions
from hubs.actions.privacy import anonymize
from hubs.errors import Conflict, InvalidInput
from hubs.i18n import _
from hubs.models import (
    AuditEntry,
    Draft,
    Hub,
    MessagePerson,
    PushToken,
    Role,
    RoleName,
    SignIn,
    StoredMessage,
    StreamMark,
    User,
    Visibility,
    now,
)
from hubs.permissions import Person, hides_from, names_any
from hubs.widgets.registry import Registry

#: Who may see what a person does: everybody, people who are signed in, or the person alone.
ACTIVITY = (Visibility.PUBLIC, Visibility.SIGNED_IN, Visibility.OWNERS)
#: Most messages that name a person in the file that they take along, the newest first.
MESSAGES = 10_000


def update_account(session: Session, registry: Registry, user: User, values: Mapping[str, Any]) -> list[str]:
    """Change a person's own settings; return the names of what changed.

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
    """Tell the daemon, without a name, to rebuild the lists and feeds that contain the person of a hub."""
    body = outbox.about_hub(session, hub, hub.name, changed_keys=[key])
    outbox.record(session, "hubs.hub.updated", body, hub, quiet=True)


def export(session: Session, registry: Registry, who: Person, user: User) -> dict[str, Any]:
    """Return everything that is kept about a person, as JSON types.

    Of the messages that name them, those are left out that also tell what somebody hides from them.
    """
    hub = own_hub(session, user)
    requests, invitations = membership.mine(session, who)
    roles = session.scalars(select(Role).where(Role.user_id == user.id)).all()
    names = ("username", "fullname", "timezone", "locale", "about", "issuer", "subject", "unlisted", "quiet_unfollow")
    return {
        "account": {**{name: getattr(user, name) for name in names}, "activity": user.activity.value},
        "created_on": user.created_on.isoformat(),
        "last_active": user.last_active.isoformat() if user.last_active else None,
        "hub": documents.describe(hub, registry).plain() if hub else None,
        "roles": [{"hub": one.hub.name, "kind": one.hub.kind, "role": one.role.value} for one in roles],
        "requests": [{"hub": one.hub.name, "message": one.message, "state": one.state.value} for one in requests],
        "invitations": [{"hub": one.hub.name, "role": one.role.value, "by": one.invited_by} for one in invitations],
        "signed_in_since": [
            moment.isoformat() for moment in session.scalars(select(SignIn.created_on).where(SignIn.user_id == user.id))
        ],
        "tokens": [
            {"name": one.name, "scope": one.scope.value, "created_on": one.created_on.isoformat()}
            for one in tokens.mine(session, who)
        ],
        "push_tokens": [
            {"name": one.name, "hub": one.widget.hub.name, "created_on": one.created_on.isoformat()}
            for one in session.scalars(select(PushToken).where(PushToken.created_by == user.username))
        ],
        "drafts": [
            {"hub": hub_name, "updated_on": one.updated_on.isoformat(), "layout": one.steps[one.at]}
            for one, hub_name in session.execute(
                select(Draft, Hub.name).join(Hub, Hub.id == Draft.hub_id).where(Draft.user_id == user.id)
            )
        ],
        "bookmarks": [one.name for one in bookmarks.read(session, who, user).hubs],
        "notices": [
            {"hub": one.hub.name, "kind": one.kind.value, "about": one.about, "at": one.created_on.isoformat()}
            for one in notifications.mine(session, who)
        ],
        "saved_and_hidden": _marks(session, user),
        "messages": _messages(session, who, user.username),
        "changes": [
            {"at": one.at.isoformat(), "action": one.action, "hub": one.hub_name, "origin": one.origin}
            for one in session.scalars(select(AuditEntry).where(AuditEntry.agent == user.username))
        ],
    }


def forget(session: Session, user: User) -> None:
    """Delete an account: its hub, roles and sessions go, and what is kept of it names nobody any more.

    :raises Conflict: when a hub would lose its last owner.
    """
    roles = session.scalars(select(Role).where(Role.user_id == user.id)).all()
    # A deleted hub that nobody else could bring back ends now.
    for role in roles:
        if role.hub.deleted_on is not None and _is_last_owner(session, role):
            session.delete(role.hub)
    session.flush()
    roles = session.scalars(select(Role).where(Role.user_id == user.id)).all()
    left = sorted({role.hub.title for role in roles if _is_last_owner(session, role)})
    if left:
        raise Conflict(
            _("You are the last owner of %(hubs)s. Make somebody else an owner first, so that they go on.")
            % {"hubs": ", ".join(left)}
        )
    for role in roles:
        if role.hub.user_id != user.id:
            role_actions.revoke_role_unchecked(session, user.username, role.hub, user, role.role, quiet=True)
    hub = own_hub(session, user)
    number = hub.id if hub is not None else None
    if hub is not None:
        session.delete(hub)
        session.flush()
    anonymize.anonymise(session, user.username, f"deleted-{user.id}", number)
    session.expire(user, ["roles"])
    session.delete(user)
    session.flush()


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    cleaned: dict[str, Any] = {
        "fullname": " ".join(str(values.get("fullname", "")).split())[:255],
        "timezone": str(values.get("timezone") or "UTC"),
        "locale": str(values.get("locale") or ""),
        "unlisted": bool(values.get("unlisted")),
        "quiet_unfollow": bool(values.get("quiet_unfollow")),
    }
    wrong = {}
    if cleaned["timezone"] not in available_timezones():
        wrong["timezone"] = _("Please write a time zone such as Europe/Oslo.")
    if cleaned["locale"] and cleaned["locale"] not in i18n.locales():
        wrong["locale"] = _("Please choose one of the languages.")
    if values.get("activity") not in [level.value for level in ACTIVITY]:
        wrong["activity"] = _("Please choose who can see it.")
    if wrong:
        raise InvalidInput(_("Some fields need your attention."), wrong)
    return {**cleaned, "activity": Visibility(values["activity"])}


def _narrow(registry: Registry, hub: Hub, before: Visibility, after: Visibility) -> None:
    """Let the widgets of a person's own hub that show what the person does be seen by those who may see it."""
    for row in hub.widgets:
        found = registry.get(row.plugin)
        if found is None or not found.cls.shows_activity:
            continue
        if row.visibility == before or row.visibility.rank < after.rank:
            row.visibility, row.updated_on = after, now()
            row.version += 1
    if after != Visibility.PUBLIC:
        hub.last_activity = None


def _messages(session: Session, who: Person, username: str) -> list[dict[str, Any]]:
    hidden = names_any(MessagePerson.message_id, hides_from(who))
    mine = select(MessagePerson.message_id).where(MessagePerson.username == username, ~hidden)
    newest = mine.order_by(MessagePerson.received_at.desc()).limit(MESSAGES)
    rows = session.scalars(
        select(StoredMessage).where(StoredMessage.id.in_(newest)).order_by(StoredMessage.received_at.desc())
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
