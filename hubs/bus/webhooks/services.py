"""The table of services: how each signs its deliveries, and which message a delivery is.

Topics are those of the bus, so that the readers of `hubs.activities` understand both. A service can only cause messages
of its own topic family: none can speak as the account system or as this instance.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hubs.bus.webhooks import signatures
from hubs.bus.webhooks.request import HookRequest
from hubs.bus.webhooks.signatures import Verifier
from hubs.errors import RefusedDelivery
from hubs.i18n import N_

#: Fields that only a publisher whom everybody trusts may fill: they say which account of the community did something.
_TRUSTED = re.compile(r"hook_.*|fas_usernames")
#: Longest name of an event, of a project and of the id of an event.
_EVENT, _PROJECT, _NUMBER = 64, 200, 200
_NOT_A_NAME = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Event:
    """What a delivery reports. An empty topic means that it only checks the connection."""

    #: The topic without prefix and environment: ``forgejo.issues``.
    topic: str
    body: dict[str, Any]
    #: What it is about: ``docs/handbook``; empty where the service does not say.
    project: str = ""
    #: The service's own id of the event, where it has no header for that.
    number: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A kind of sender. ``projects`` is an example of what an owner writes into the list of projects."""

    key: str
    label: str
    verify: Verifier
    read: Callable[[HookRequest], Event]
    projects: str


def _clean(body: Mapping[str, Any], **hook: str) -> dict[str, Any]:
    """Return the payload without the fields that name accounts; ``hook`` is what its headers tell."""
    fields = {name: value for name, value in body.items() if not _TRUSTED.fullmatch(name)}
    return fields | {f"hook_{name}": value for name, value in hook.items() if value}


def _name(text: str) -> str:
    """Return the name of an event as a part of a topic."""
    return _NOT_A_NAME.sub("_", text.lower()).strip("_")[:_EVENT]


def _texts(*values: object) -> str:
    """Return the first text that is not empty and can be stored, without spaces around it."""
    texts = (value.strip()[:_PROJECT] for value in values if isinstance(value, str))
    return next((text for text in texts if text and text.isprintable()), "")


def _inner(body: object, *path: str) -> Any:
    for name in path:
        body = body.get(name) if isinstance(body, Mapping) else None
    return body


def _event_of(request: HookRequest, *headers: str) -> str:
    event = _name(request.header(*headers))
    if not event:
        raise RefusedDelivery(N_("No header says which event this is. Is it the right kind of webhook?"), 400)
    return event


def _forge(family: str, *headers: str) -> Callable[[HookRequest], Event]:
    """Return the reader for GitHub and what is like it; the event is in the first of ``headers`` that there is."""

    def read(request: HookRequest) -> Event:
        event = _event_of(request, *headers)
        body = request.json(form=True)
        if event == "ping":
            return Event("", {})
        project = _texts(
            _inner(body, "repository", "full_name"),
            _inner(body, "run", "repository", "full_name"),
            _inner(body, "organization", "login"),
            _inner(body, "organization", "username"),
        )
        return Event(f"{family}.{event}", _clean(body, event=event), project)

    return read


def _gitlab(request: HookRequest) -> Event:
    event = _event_of(request, "x-gitlab-event").removesuffix("_hook")
    body = request.json()
    project = _texts(_inner(body, "project", "path_with_namespace"), body.get("full_path"), body.get("group_path"))
    return Event(f"gitlab.{event}", _clean(body, event=event), project)


def _discourse(request: HookRequest) -> Event:
    event = _event_of(request, "x-discourse-event")
    kind = _name(request.header("x-discourse-event-type")) or event.partition("_")[0]
    body = request.json()
    if kind == "ping":
        return Event("", {})
    site = request.header("x-discourse-instance")
    about: Mapping[str, Any] = next(
        (body[name] for name in ("post", "topic", "solved") if isinstance(body.get(name), dict)), {}
    )
    place = [_host(site), _texts(_inner(about, "category_slug"), _inner(body, "like", "post", "category_slug"))]
    fields = _clean(body, event=event, instance=site)
    return Event(f"discourse.{kind}.{event}", fields, "/".join(filter(None, place)))


def _weblate(request: HookRequest) -> Event:
    body = request.json()
    action = _name(_texts(body.get("action")))
    if not action:
        raise RefusedDelivery(N_("The body does not say which action this is. Is it the right kind of webhook?"), 400)
    project = "/".join(filter(None, (_texts(body.get("project")), _texts(body.get("component")))))
    return Event(f"weblate.{action}", _clean(body), project)


def _standard(request: HookRequest) -> Event:
    body = request.json()
    if not _texts(body.get("type")):
        raise RefusedDelivery(N_("The body has no field “type” that says which event this is."), 400)
    data = body.get("data")
    project = _texts(
        _inner(data, "project"),
        _inner(data, "project", "path"),
        _inner(data, "project", "name"),
        _inner(data, "repository"),
        _inner(data, "repository", "full_name"),
    )
    return Event("webhook.event", _clean(body), project)


def _cloudevents(request: HookRequest) -> Event:
    """Read an event in structured mode, or in binary mode, where its attributes are headers."""
    body = request.json()
    if request.media_type == "application/cloudevents+json":
        fields = body
    else:
        names = ("specversion", "id", "source", "type", "subject", "time")
        fields = {name: request.header(f"ce-{name}") for name in names} | {"data": body}
    for name in ("specversion", "id", "source", "type"):
        if not _texts(fields.get(name)):
            raise RefusedDelivery(N_("It is not a CloudEvent: specversion, id, source and type are all required."), 400)
    source = _texts(fields["source"])
    return Event("cloudevents.event", _clean(fields), _place(source), f"{source} {_texts(fields['id'])}"[:_NUMBER])


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _place(source: str) -> str:
    """Return a source as a path: its scheme says nothing about who it is."""
    return source.partition("://")[2].strip("/") or source.strip("/")


def _gitea_like(key: str, label: str, *names: str) -> Service:
    """Return Forgejo or Gitea: each sends its own headers and those of the other, which ``names`` puts in order."""
    prefixes = [f"x-{name}" for name in names]
    verify = signatures.body_hmac(
        [*(f"{prefix}-signature" for prefix in prefixes), "x-hub-signature-256"],
        [*(f"{prefix}-delivery" for prefix in prefixes), "x-github-delivery"],
    )
    return Service(key, label, verify, _forge("forgejo", *(f"{prefix}-event" for prefix in prefixes)), "docs/handbook")


SERVICES = (
    _gitea_like("forgejo", "Forgejo", "forgejo", "gitea"),
    Service(
        "github",
        "GitHub",
        signatures.body_hmac(("x-hub-signature-256",), ("x-github-delivery",)),
        _forge("github", "x-github-event"),
        "community/handbook",
    ),
    Service("gitlab", "GitLab", signatures.gitlab, _gitlab, "community/docs/handbook"),
    _gitea_like("gitea", "Gitea", "gitea", "forgejo"),
    Service(
        "discourse",
        "Discourse",
        signatures.body_hmac(("x-discourse-event-signature",), ("x-discourse-event-id",), "sha256="),
        _discourse,
        "discussion.example.org/docs",
    ),
    Service("weblate", "Weblate", signatures.standard, _weblate, "docs/handbook"),
    Service("standard", "Standard Webhooks", signatures.standard, _standard, "ci"),
    Service("cloudevents", "CloudEvents", signatures.cloudevents, _cloudevents, "ci.example.org/docs"),
)
BY_KEY: Mapping[str, Service] = {service.key: service for service in SERVICES}
