"""The webhooks of a hub, for its owners; services deliver at `hubs.views.webhooks`."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions.webhooks import deliveries, hooks
from hubs.bus.webhooks import BY_KEY, SERVICES
from hubs.errors import Conflict, InvalidInput
from hubs.i18n import _
from hubs.models import Hub, Webhook
from hubs.permissions import refusal
from hubs.views.web.context import app_context, current_person, db, find_hub

blueprint = Blueprint("hub_webhooks", __name__)

_ALL = "/<any(u, t):space>/<name>/settings/webhooks"
_ONE = f"{_ALL}/<int:number>"


@blueprint.get(_ALL)
def show_all(space: str, name: str) -> str:
    """Show the webhooks of a hub, and the form that creates one."""
    return _list_page(find_hub(space, name, "own"))


@blueprint.post(_ALL)
def create(space: str, name: str) -> ResponseReturnValue:
    """Create a webhook and show its secret, which cannot be read again."""
    hub = find_hub(space, name, "own")
    typed = {field: request.form.get(field, "") for field in ("service", "name", "projects")}
    try:
        hook, secret = hooks.create(db(), current_person(), app_context().secret_box, hub, **typed)
    except (InvalidInput, Conflict) as error:
        wrong = error.fields if isinstance(error, InvalidInput) else {}
        return _list_page(hub, typed=typed, wrong=wrong, problem=str(error)), error.status
    db().commit()
    return _page(hub, hook, secret=secret), {"Cache-Control": "no-store"}


@blueprint.get(_ONE)
def show(space: str, name: str, number: int) -> str:
    """Show a webhook with its instructions and its deliveries."""
    hub = find_hub(space, name, "own")
    return _page(hub, hooks.find(db(), current_person(), hub, number))


@blueprint.post(_ONE)
def save(space: str, name: str, number: int) -> ResponseReturnValue:
    """Change the name and the projects of a webhook."""
    hub = find_hub(space, name, "own")
    hook = hooks.find(db(), current_person(), hub, number)
    typed = {field: request.form.get(field, "") for field in ("name", "projects")}
    try:
        hooks.update(db(), current_person(), hub, hook, **typed)
    except InvalidInput as error:
        return _page(hub, hook, typed=typed, wrong=error.fields, problem=str(error)), error.status
    db().commit()
    flash(_("Saved."))
    return redirect(urls.hub_webhooks(hub.kind, hub.name, hook.id), 303)


@blueprint.post(f"{_ONE}/rotate")
def rotate(space: str, name: str, number: int) -> ResponseReturnValue:
    """Give a webhook a new secret and show it."""
    hub = find_hub(space, name, "own")
    hook = hooks.find(db(), current_person(), hub, number)
    secret = hooks.rotate(db(), current_person(), app_context().secret_box, hub, hook)
    db().commit()
    return _page(hub, hook, secret=secret, rotated=True), {"Cache-Control": "no-store"}


@blueprint.post(f"{_ONE}/test")
def send_test(space: str, name: str, number: int) -> ResponseReturnValue:
    """Send a test message through a webhook."""
    hub = find_hub(space, name, "own")
    hook = hooks.find(db(), current_person(), hub, number)
    app_context().webhook_limiter.take("webhook test", str(hook.id))
    hooks.send_test(db(), current_person(), hub, hook)
    db().commit()
    flash(_("The test message has been sent. It appears in the feed of this hub."))
    return redirect(urls.hub_webhooks(hub.kind, hub.name, hook.id) + "#deliveries", 303)


@blueprint.post(f"{_ONE}/delete")
def delete(space: str, name: str, number: int) -> ResponseReturnValue:
    """Delete a webhook."""
    hub = find_hub(space, name, "own")
    hooks.delete(db(), current_person(), hub, hooks.find(db(), current_person(), hub, number))
    db().commit()
    flash(_("The webhook has been deleted. Remove it at the service, too."))
    return redirect(urls.hub_webhooks(hub.kind, hub.name), 303)


def _list_page(hub: Hub, **more: Any) -> str:
    values = {"typed": {"service": SERVICES[0].key, "projects": ""}, "wrong": {}, "problem": "", **more}
    rows = hooks.of_hub(db(), current_person(), hub)
    return render_template(
        "webhooks.html", hub=hub, hooks=rows, services=SERVICES, labels=BY_KEY, why=_why(hub), **values
    )


def _page(hub: Hub, hook: Webhook, **more: Any) -> str:
    rows, older = deliveries.newest_first(db(), hook, request.args.get("before", type=int))
    typed = {"name": hook.name, "projects": "\n".join(hook.projects)}
    values = {"typed": typed, "wrong": {}, "problem": "", "secret": "", "rotated": False, **more}
    address = app_context().settings.site_url + urls.webhook(hook.address)
    return render_template(
        "webhook.html",
        hub=hub,
        hook=hook,
        service=BY_KEY[hook.service],
        address=address,
        deliveries=rows,
        older=older,
        why=_why(hub),
        kept=deliveries.KEPT.days,
        **values,
    )


def _why(hub: Hub) -> str:
    """Return why webhooks cannot be changed now; empty where they can."""
    return refusal(current_person(), hub) if hub.archived else ""
