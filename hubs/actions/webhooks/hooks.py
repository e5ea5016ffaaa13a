"""What owners do with the webhooks of their hub: create, change, rotate, test and delete them."""

import secrets
import uuid
from base64 import b64encode
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager

from hubs.actions import outbox
from hubs.actions.webhooks import deliveries
from hubs.bus.webhooks import BY_KEY
from hubs.bus.webhooks.signatures import PREFIX
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound
from hubs.i18n import _
from hubs.models import DeliveryState, Hub, Webhook, WebhookDelivery, now
from hubs.permissions import Person, refusal, require, visible
from hubs.widgets.secrets import SecretBox

#: Webhooks of one hub, and projects of one webhook.
MOST, PROJECTS = 20, 50
#: How long the former secret is accepted after a rotation.
OVERLAP = timedelta(days=1)
_LONGEST = 200
#: The topic of the message that an owner sends to try a webhook.
TEST = "webhook.test"


def of_hub(session: Session, who: Person, hub: Hub) -> list[Webhook]:
    """Return the webhooks of a hub, the oldest first; only its owners may know them."""
    require(who, "own", hub)
    return list(session.scalars(select(Webhook).where(Webhook.hub_id == hub.id).order_by(Webhook.id)))


def mine(session: Session, person: Person) -> list[Webhook]:
    """Return the webhooks that a person created for hubs that they can see, oldest first."""
    query = select(Webhook).join(Webhook.hub).options(contains_eager(Webhook.hub))
    query = query.where(Webhook.created_by == person.username, visible(person))
    return list(session.scalars(query.order_by(Webhook.id)))


def find(session: Session, who: Person, hub: Hub, number: int) -> Webhook:
    """Return a webhook of a hub.

    :raises NotFound: when the hub has no such webhook.
    """
    require(who, "own", hub)
    hook = session.scalar(select(Webhook).where(Webhook.hub_id == hub.id, Webhook.id == number))
    if hook is None:
        raise NotFound(_("This hub has no such webhook."))
    return hook


def create(
    session: Session, who: Person, box: SecretBox, hub: Hub, service: str, name: str, projects: str
) -> tuple[Webhook, str]:
    """Create a webhook; return it with its secret, which cannot be read again.

    ``projects`` are separated by commas, spaces or lines.

    :raises InvalidInput: with one sentence per field that cannot be accepted.
    :raises Conflict: when the hub has as many webhooks as it may have.
    """
    _require_change(who, hub)
    name, patterns = _clean(service, name, projects)
    if (session.scalar(select(func.count(Webhook.id)).where(Webhook.hub_id == hub.id)) or 0) >= MOST:
        raise Conflict(_("A hub has at most %(limit)d webhooks: delete one first.") % {"limit": MOST})
    secret = _fresh_secret()
    hook = Webhook(
        address=secrets.token_urlsafe(24),
        hub_id=hub.id,
        service=service,
        name=name,
        secret=box.encrypt(secret),
        projects=patterns,
        created_by=who.username,
    )
    session.add(hook)
    session.flush()
    _record(session, who, hub, hook, "created")
    return hook, secret


def update(session: Session, who: Person, hub: Hub, hook: Webhook, name: str, projects: str) -> None:
    """Change the name of a webhook and the projects that it may speak for.

    :raises InvalidInput: with one sentence per field that cannot be accepted.
    """
    _require_change(who, hub)
    name, patterns = _clean(hook.service, name, projects)
    if (name, patterns) != (hook.name, hook.projects):
        hook.name, hook.projects = name, patterns
        session.flush()
        _record(session, who, hub, hook, "changed")


def rotate(session: Session, who: Person, box: SecretBox, hub: Hub, hook: Webhook) -> str:
    """Give a webhook a new secret and return it; the former one is accepted for `OVERLAP` longer."""
    _require_change(who, hub)
    secret = _fresh_secret()
    hook.former_secret, hook.former_until = hook.secret, now() + OVERLAP
    hook.secret = box.encrypt(secret)
    session.flush()
    _record(session, who, hub, hook, "rotated")
    return secret


def delete(session: Session, who: Person, hub: Hub, hook: Webhook) -> None:
    """Delete a webhook with its secret and its deliveries; what it reported stays on the hub."""
    require(who, "own", hub)
    _record(session, who, hub, hook, "deleted")
    session.delete(hook)
    session.flush()


def send_test(session: Session, who: Person, hub: Hub, hook: Webhook) -> WebhookDelivery:
    """Send a message through a webhook as if the service had sent it, from the stored row on."""
    _require_change(who, hub)
    body = {"name": hook.name, "agent": who.username}
    row = WebhookDelivery(
        webhook_id=hook.id, state=DeliveryState.WAITING, topic=TEST, msg_id=str(uuid.uuid4()), body=body
    )
    session.add(row)
    session.flush()
    deliveries.announce(session, row)
    return row


def _require_change(who: Person, hub: Hub) -> None:
    require(who, "own", hub)
    if hub.archived:
        raise NotAllowed(refusal(who, hub))


def _fresh_secret() -> str:
    # The form that GitLab and Standard Webhooks require; for all others it is a text like any other.
    return PREFIX + b64encode(secrets.token_bytes(32)).decode()


def _clean(service: str, name: str, projects: str) -> tuple[str, list[str]]:
    wrong = {}
    name = " ".join(name.split())
    if service not in BY_KEY:
        wrong["service"] = _("Please choose one of the services.")
    if not name or len(name) > 64 or not name.isprintable():
        wrong["name"] = _("Please write a name of at most 64 characters.")
    patterns = list(dict.fromkeys(filter(None, map(_pattern, projects.replace(",", " ").split()))))
    if not patterns:
        wrong["projects"] = _("List at least one project, or * for everything that the service reports.")
    elif len(patterns) > PROJECTS or any(len(pattern) > _LONGEST or not pattern.isprintable() for pattern in patterns):
        wrong["projects"] = _("List at most 50 projects of at most 200 characters each.")
    if wrong:
        raise InvalidInput(_("Some fields need your attention."), wrong)
    return name, patterns


def _pattern(typed: str) -> str:
    """Return a project as it is compared: without scheme, in lower case, ``docs/*`` as ``docs``."""
    _scheme, separator, rest = typed.partition("://")
    pattern = (rest if separator else typed).strip("/").removesuffix("/*").lower()
    return pattern.strip("/")


def _record(session: Session, who: Person, hub: Hub, hook: Webhook, act: str) -> None:
    """Note in the audit log what was done to which webhook; the bus only hears that something changed."""
    body = outbox.about_hub(session, hub, who.username, changed_keys=["webhooks"])
    detail = {"webhook": hook.name, "service": hook.service, "act": act}
    outbox.record(session, "hubs.hub.updated", body, hub, quiet=True, detail=detail)
