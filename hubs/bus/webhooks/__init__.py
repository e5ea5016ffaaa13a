"""Webhooks: deliveries of forges and other services, checked and turned into the body of a message."""

from hubs.bus.webhooks.request import HookRequest, Proof
from hubs.bus.webhooks.services import BY_KEY, SERVICES, Event, Service

__all__ = ["BY_KEY", "SERVICES", "Event", "HookRequest", "Proof", "Service"]
