"""A small community in which every page of the application has something to show, on an instance in this process.

``rana`` runs the instance and owns four teams: ``otters`` (with requests, invitations, a draft that somebody else
saved over, tokens, a webhook, a history), ``voles`` (archived), ``mice`` (kept in a file), ``stoats`` (by invitation
only), and she deleted ``newts``. ``sami`` is invited to the otters, ``tove`` has asked to join them, ``mirko`` owns
them too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import lifecycle, messages, push, widgets
from hubs.actions.inbox import bus
from hubs.actions.layout import drafts, edits, page_rows
from hubs.actions.people import membership, roles, tokens
from hubs.actions.webhooks import hooks
from hubs.app import create_app
from hubs.bus import parse
from hubs.demo import upstream
from hubs.i18n import _
from hubs.models import PAGES, SIDES, Database, DeliveryState, Hub, RoleName, User, Visibility, WebhookDelivery, now
from hubs.permissions import OPERATOR, Person, person
from hubs.settings import load
from hubs.views.web.error_pages import answer
from hubs.widgets.registry import Registry
from hubs.widgets.secrets import SecretBox
from tests.fresh import prepare
from tests.serving import serving
from tests.unit.views.conftest import BASE
from tests.unit.widgets.test_built_in import say

#: Words without a space, as people type them, that must not make a page wide.
LONG = "Otterschwimmwettbewerbsvorbereitungsausschussvorsitzende"


@contextmanager
def community(folder: Path) -> Iterator[tuple[Flask, str]]:
    """Give the application and its address."""
    with upstream.server(0) as others:
        where = {"HUBS_DATABASE_URL": f"sqlite:///{folder / 'hubs.db'}", "HUBS_DATA_DIR": str(folder)}
        more = {"HUBS_GALLERY": "1", "HUBS_ADMINS": "rana"}
        settings = load({**BASE, **upstream.environment(others.port), **where, **more})
        database = Database(settings.database, info={"site_url": settings.site_url})
        prepare(database)
        app = create_app(settings)
        site = app.extensions["hubs"]
        with site.database.transaction() as session:
            _Filling(session, site.registry, site.secret_box).everything()
        _break(app)
        with serving(app) as address:
            yield app, address
        site.fragments.clients.close()
        site.fragments.cache.close()
        site.database.dispose()
        database.dispose()


def _break(app: Flask) -> None:
    """Add addresses at which something goes wrong that no page of a healthy instance does."""

    def failing() -> str:
        raise RuntimeError("a page that fails, as this test needs it")

    def without_database() -> str:
        raise OperationalError("SELECT 1", {}, Exception("the database is unavailable, as this test needs it"))

    for status in (409, 410, 413, 429):
        app.add_url_rule(
            f"/broken/{status}", f"broken-{status}", lambda status=status: answer(status, _("Please wait"))
        )
    app.add_url_rule("/broken/500", "broken-500", failing)
    app.add_url_rule("/broken/503", "broken-503", without_database)


class _Filling:
    def __init__(self, session: Session, registry: Registry, secret_box: SecretBox) -> None:
        self.session, self.registry, self.secret_box = session, registry, secret_box

    def everything(self) -> None:
        """Make the people, their teams, and what they did."""
        names = ("rana", "sami", "tove", "mirko")
        self.users = {name: roles.sign_up(self.session, self.registry, name, name.title()) for name in names}
        about = {
            "summary": "We swim.",
            "description": f"# Otters\n\nWe **swim**. {LONG}",
            "chat": "irc://irc.example/o",
        }
        otters = self.team("otters", display_name="The Otters", join_conditions="Please *swim*.", **about)
        archived, kept, closed, deleted = (self.team(name) for name in ("voles", "mice", "stoats", "newts"))
        rana, sami, tove = (self.person(name) for name in ("rana", "sami", "tove"))
        roles.grant_role_unchecked(self.session, "rana", otters, self.users["mirko"], RoleName.OWNER)
        membership.join(self.session, tove, otters, f"May I? {LONG}")
        membership.join(self.session, tove, archived, "Me too.")
        membership.answer(self.session, rana, archived, "tove", approve=False, note="We are full.")
        membership.invite(self.session, rana, otters, self.users["sami"], RoleName.MEMBER, "Come and swim.")
        roles.take_role(self.session, sami, archived, RoleName.STARGAZER)
        hub_actions.update(self.session, rana, archived, {"archived": True})
        hub_actions.update(self.session, OPERATOR, kept, {"managed_in": "https://git.example.org/hubs/mice.yaml"})
        hub_actions.update(self.session, rana, closed, {"join_mode": "invitation"})
        lifecycle.discard(self.session, rana, deleted)
        self.pages(rana, otters)
        self.machines(rana, otters)
        self.webhook(rana, otters)
        self.happened()
        self.draft(rana, otters)

    def team(self, name: str, **values: Any) -> Hub:
        hub = hub_actions.create(self.session, self.registry, self.users["rana"], "team", name, values)
        # Its feed begins with the team, which is older than what happens in it.
        hub.created_on = now() - timedelta(days=400)
        self.session.flush()
        return hub

    def person(self, name: str) -> Person:
        user: User = self.users[name]
        self.session.refresh(user, ["roles"])
        return person(user.id, name, user.roles, admin=name == "rana", creator=True)

    def pages(self, rana: Person, hub: Hub) -> None:
        """Add as many further pages as a hub can have: one with widgets, the others empty, one of them hidden."""
        start = page_rows.add(self.session, rana, hub, "start", "Start here")
        for side in SIDES:
            widgets.add(
                self.session, self.registry, rana, hub, "sticky", side, {"text": LONG}, f"Note {side}", page=start
            )
        page_rows.add(self.session, rana, hub, "empty", LONG[:64], Visibility.OWNERS)
        for number in range(PAGES - 2):
            page_rows.add(self.session, rana, hub, f"page-{number}", f"Page {number}", left_width=number + 3)

    def machines(self, rana: Person, hub: Hub) -> None:
        """Add a widget with external content, and tokens for programs that act for rana."""
        row = widgets.add(self.session, self.registry, rana, hub, "push", "right")
        token, _text = push.create_token(self.session, rana, row, "The builder", 30)
        push.put(self.session, token, {"title": "All builds are good", "severity": "good"})
        old, _text = push.create_token(self.session, rana, row, LONG, 30)
        push.revoke_token(self.session, rana, row, old.id)
        tokens.create(self.session, rana, "A script", 30, "write")
        widgets.add(self.session, self.registry, rana, hub, "members", "left", {"limit": 1}, LONG)

    def webhook(self, rana: Person, hub: Hub) -> None:
        """Let a forge report to a hub, with a delivery of each result."""
        hook, _secret = hooks.create(self.session, rana, self.secret_box, hub, "forgejo", LONG, f"otters/{LONG} docs")
        for state in DeliveryState:
            reason = "The body is not valid JSON." if state == DeliveryState.REFUSED else ""
            values = {"topic": "forgejo.issues", "project": f"otters/{LONG}", "reason": reason}
            self.session.add(WebhookDelivery(webhook_id=hook.id, state=state, **values))

    def happened(self) -> None:
        """Store what people did, and note whom it concerns."""
        entries = [
            say(
                number, "rana", "mirko", ago=7 * number, link=f"https://e.example/{number}", sentence=f"{LONG} {number}"
            )
            for number in range(1, 60)
        ]
        body = {"details": {"line": f"Draw an otter, {LONG}", "nick": LONG}, "url": "https://logs.example/1"}
        call = {"topic": "org.fedoraproject.prod.meetbot.meeting.item.help", "msg": body, "msg_id": "call"}
        early = now() - timedelta(days=20)
        request = replace(parse(call), users=frozenset(("rana",)), sent_at=early, received_at=early)
        messages.store(self.session, [*entries, replace(request, sentence=f"rana called for help, {LONG}")])
        bus.note(self.session, [bus.Heard("m1", "mirko", frozenset(("rana", "mirko")))])

    def draft(self, rana: Person, hub: Hub) -> None:
        """Begin a draft as rana, and let mirko save over it."""
        document = drafts.view(self.session, self.registry, rana, hub).document
        key = document.widgets.left[0].id
        mine = edits.step(edits.width(document, 7), self.registry, key, "down")
        drafts.put(self.session, self.registry, rana, hub, mine)
        values = {"summary": "We swim and dive.", "left_width": 6}
        hub_actions.update(self.session, self.person("mirko"), hub, values)
