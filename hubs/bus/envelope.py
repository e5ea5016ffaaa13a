"""Parses messages as the buses, the history service and webhooks deliver them.

The fields of a message may be wrapped once or twice, by its publisher or by a bridge between the buses. They are
unwrapped here, so that all other code sees one shape.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hubs.bus.message import AMQP, FEDMSG, HISTORY, INFO, MODULE, WEBHOOK, Message, Receipt, content_id, identity
from hubs.errors import BadMessage

#: Deepest nesting of a message's body.
DEPTH = 64
_LIMITS = {"topic": 255, "msg_id": 64}
#: People, packages and groups that one message may name.
_NAMES = 500
_HEADER = "fedora_messaging_"
#: Headers with the event of a webhook, by which its service is recognised, and headers with its id.
_EVENTS = {
    "x-github-event": "github",
    "x-forgejo-event": "forgejo",
    "x-gitea-event": "forgejo",
    "x-gitlab-event": "gitlab",
    "x-discourse-event": "discourse",
}
_DELIVERIES = ("x-github-delivery", "x-forgejo-delivery", "x-gitea-delivery", "x-gitlab-event-uuid", "webhook-id")


@dataclass(slots=True)
class _Named:
    """The people, packages and groups that a publisher lists for its message."""

    users: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    schema: str = ""
    severity: int = INFO


def parse(envelope: object, origin: str = "") -> Message:
    """Validate an envelope and return the message.

    The envelope is what fedmsg delivers (``topic``, ``msg``), what the history service has (the same, or ``topic``,
    ``body``, ``headers``), what `fedora_messaging.message.Message` is dumped as, or a webhook (``headers``, ``body``).

    :param origin: the source of the message, whose form is expected then. Without it, the form decides.
    :raises BadMessage: with the reason, when it is not a dict, or a field is missing, too long or of the wrong type.
    """
    if not isinstance(envelope, Mapping):
        raise BadMessage(f"not an object but {type(envelope).__name__}")
    origin = origin or _origin(envelope)
    if origin == WEBHOOK:
        return _from_webhook(envelope)
    # fedmsg signs the message only: whatever else is in the envelope proves nothing.
    named = _named(envelope) if origin != FEDMSG else _Named()
    body = envelope.get("body") if "msg" not in envelope and origin != FEDMSG else envelope.get("msg")
    return _message(
        origin,
        topic=envelope.get("topic"),
        msg_id=envelope.get("msg_id") or envelope.get("id"),
        sent=_sent(envelope),
        body=body,
        raw=envelope if "msg" in envelope else None,
        named=named,
    )


def from_webhook(
    msg_id: str, topic: str, body: dict[str, Any], hub_id: int, received_at: datetime, receipt: Receipt | None = None
) -> Message:
    """Return the message of a verified webhook, which speaks for one hub; its body has no wrappers.

    :raises BadMessage: with the reason, when the topic is too long or the body nested too deep.
    """
    # What looks like a wrapper is none: it could bring in another id, or fields that only trusted publishers may fill.
    sent = received_at.timestamp()
    message = _message(WEBHOOK, topic=topic, msg_id=msg_id, sent=sent, body=body, named=_Named(), wrapped=False)
    if message.category == MODULE:
        raise BadMessage("a webhook cannot speak for this instance")
    return replace(message, hub_id=hub_id, received_at=received_at, receipt=receipt)


def _origin(envelope: Mapping[str, Any]) -> str:
    if "msg" in envelope:
        return HISTORY if isinstance(envelope.get("headers"), Mapping) or "users" in envelope else FEDMSG
    if isinstance(envelope.get("headers"), Mapping) and "topic" not in envelope:
        return WEBHOOK
    return AMQP if "body" in envelope else FEDMSG


def _sent(envelope: Mapping[str, Any]) -> object:
    headers = envelope.get("headers")
    header = headers.get("sent-at") if isinstance(headers, Mapping) else None
    times = (envelope.get("timestamp"), envelope.get("sent-at"), header)
    return next((time for time in times if time is not None), None)


def _message(
    origin: str,
    *,
    topic: object,
    msg_id: object,
    sent: object,
    body: object,
    named: _Named,
    raw: Mapping[str, Any] | None = None,
    wrapped: bool = True,
) -> Message:
    """Validate and unwrap the parts of a message; ``raw`` is its envelope if it has the form of fedmsg's."""
    if not isinstance(topic, str) or not topic:
        raise BadMessage("no topic")
    if not isinstance(body, dict):
        raise BadMessage(f"msg is not an object but {type(body).__name__}")
    if _too_deep(body):
        raise BadMessage(f"nested deeper than {DEPTH}")
    fields: dict[str, Any] = body
    if wrapped and isinstance(body.get("msg"), dict) and isinstance(body.get("topic"), str) and "msg_id" in body:
        # The bridge from fedmsg to AMQP sends the whole envelope as the body.
        msg_id, sent, fields = body.get("msg_id") or msg_id, body.get("timestamp") or sent, body["msg"]
    msg_id = msg_id or content_id(topic, sent, (raw or {}).get("i"), fields)
    topic, msg_id = _short("topic", topic), _short("msg_id", msg_id)
    sent_at, fields, key = _moment(sent), unwrap(fields) if wrapped else fields, identity(msg_id)
    return Message(
        msg_id=key,
        topic=topic,
        sent_at=sent_at,
        body=fields,
        raw=raw or {"topic": topic, "msg_id": key, "timestamp": sent_at.timestamp(), "msg": fields},
        users=named.users,
        packages=named.packages,
        groups=named.groups,
        schema=named.schema,
        severity=named.severity,
        origin=origin,
        # fedmsg has checked the signature; for other sources their client decides whether they can be trusted.
        authenticated=origin == FEDMSG,
    )


def _short(name: str, value: object) -> str:
    """Return a part of the envelope that is a short printable text.

    :raises BadMessage: if it is anything else.
    """
    if not isinstance(value, str):
        raise BadMessage(f"{name} is not a text")
    if len(value) > _LIMITS[name] or not value.isprintable():
        raise BadMessage(f"{name} is too long or not printable")
    return value


def unwrap(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a message without the wrappers around them.

    The account system wraps them in ``msg``. webhook-to-fedora-messaging has the forge's payload in ``body`` and beside
    it ``agent``, the account of the sender, and ``group``, which registered the hook. Discourse's hook has its payload
    in ``webhook_body``. The information of the wrappers is kept in fields that start with ``hook_``.
    """
    if set(body) == {"msg"} and isinstance(body["msg"], dict):
        return unwrap(body["msg"])
    inner, headers = body.get("webhook_body"), body.get("webhook_headers")
    if isinstance(inner, dict):
        return inner | _hook(headers)
    inner = body.get("body")
    if isinstance(inner, dict) and (set(body) == {"body"} or isinstance(body.get("headers"), dict)):
        hook = _hook(body.get("headers"))
        if "agent" in body:
            hook["hook_agent"] = body["agent"]
        if body.get("group"):
            hook["hook_group"] = body["group"]
        return inner | hook
    return body


def _hook(headers: object) -> dict[str, Any]:
    """Return the event and instance from the headers of a webhook."""
    lower = _lower(headers)
    event = next((lower[name] for name in _EVENTS if lower.get(name)), "")
    hook = {"hook_event": event, "hook_instance": lower.get("x-discourse-instance", "")}
    return {name: value for name, value in hook.items() if value}


def _from_webhook(envelope: Mapping[str, Any]) -> Message:
    """Return the message of a webhook that a service sent to us: its headers, and the payload as ``body``."""
    headers, payload = _lower(envelope.get("headers")), envelope.get("body", envelope.get("payload"))
    header = next((name for name in _EVENTS if headers.get(name)), "")
    if not header:
        raise BadMessage("no header tells which event of which service this is")
    event = headers[header].removesuffix(" Hook").strip().lower().replace(" ", "_")
    if _EVENTS[header] == "discourse":
        event = f"{headers.get('x-discourse-event-type', '') or event.partition('_')[0]}.{event}"
    delivery = next((headers[name] for name in _DELIVERIES if headers.get(name)), None)
    body = payload | _hook(headers) if isinstance(payload, dict) else payload
    sent = _sent(envelope)
    return _message(
        WEBHOOK,
        topic=f"{_EVENTS[header]}.{event}",
        msg_id=delivery,
        sent=sent,
        body=body,
        named=_Named(),
    )


def _named(envelope: Mapping[str, Any]) -> _Named:
    """Return what the publisher listed: in headers on AMQP, in lists in the history service."""
    headers = envelope.get("headers")
    headers = headers if isinstance(headers, Mapping) else {}
    lists: dict[str, set[str]] = {"user": set(), "rpm": set(), "group": set()}
    for header in list(headers)[: 4 * _NAMES]:
        kind, _underscore, name = str(header).removeprefix(_HEADER).partition("_")
        if name and kind in lists and header.startswith(_HEADER) and headers[header]:
            lists[kind].add(name)
    for field, kind in (("users", "user"), ("packages", "rpm"), ("groups", "group")):
        values = envelope.get(field)
        values = values[:_NAMES] if isinstance(values, list) else ()
        lists[kind].update(value for value in values if isinstance(value, str))
    schema, severity = headers.get(f"{_HEADER}schema"), headers.get(f"{_HEADER}severity")
    return _Named(
        users=frozenset(lists["user"]),
        packages=frozenset(lists["rpm"]),
        groups=frozenset(lists["group"]),
        schema=schema if isinstance(schema, str) else "",
        severity=severity if isinstance(severity, int) and not isinstance(severity, bool) else INFO,
    )


def _lower(headers: object) -> dict[str, str]:
    """Return headers by their names in lower case; only those that are texts."""
    if not isinstance(headers, Mapping):
        return {}
    return {str(name).lower(): value for name, value in headers.items() if isinstance(value, str)}


def _too_deep(body: dict[str, Any]) -> bool:
    """Return whether a body is nested so deeply that recursive code would fail on it."""
    level: list[Any] = [body]
    for _ in range(DEPTH):
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
        level = [inner for inner in level if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _moment(value: object) -> datetime:
    """Parse a timestamp: seconds since 1970, or ISO 8601; the present time if there is none."""
    try:
        if isinstance(value, bool) or value is None:
            return datetime.now(UTC)
        if isinstance(value, int | float):
            moment = datetime.fromtimestamp(value, UTC)
        elif isinstance(value, str):
            moment = datetime.fromisoformat(value)
        else:
            raise BadMessage("timestamp is neither a number nor a text")
    except (ValueError, OverflowError, OSError):
        raise BadMessage("timestamp is not a moment") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
