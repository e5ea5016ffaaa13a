"""The hubs and people of an experiment, changes to them through the API, and messages about them on the bus."""

import contextlib
import http.client
import json
import re
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import zmq

from hubs.actions import hubs as hub_actions
from hubs.actions import templates, widgets
from hubs.actions.people import roles, tokens
from hubs.bus import identity
from hubs.models import RoleName
from hubs.permissions import OPERATOR, person
from tests.chaos.system import System
from tests.services import HOST, wait_for

PEOPLE = [f"p{number}" for number in range(8)]
#: Whose membership of the hub ``gamma`` is taken and given.
GUEST = "p7"


class Web:
    """A browser's cookies and requests; each request has a connection of its own."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._cookies: dict[str, str] = {}

    def request(
        self, method: str, path: str, body: str | None = None, timeout: float = 10.0, **headers: str
    ) -> tuple[int, str]:
        """Return status and text.

        :raises OSError, http.client.HTTPException: when there is no response.
        """
        assert self._parts.hostname is not None
        connection = http.client.HTTPConnection(self._parts.hostname, self._parts.port, timeout=timeout)
        with contextlib.closing(connection):
            sent = {"Accept": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
            if self._cookies:
                sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            content = response.read().decode("utf-8", "replace")
            for name, value in response.getheaders():
                if name.lower() == "set-cookie":
                    key, _, rest = value.partition("=")
                    self._cookies[key] = rest.partition(";")[0]
            return response.status, content

    def get(self, path: str, timeout: float = 10.0) -> tuple[int, str]:
        """Return status and text of a page; status 0 when there is no response."""
        try:
            return self.request("GET", path, timeout=timeout)
        except (OSError, http.client.HTTPException):
            return 0, ""

    def sign_in(self, name: str) -> "Web":
        """Sign in as a person."""
        csrf = re.search(r'name="csrf_token" value="([^"]+)"', self.request("GET", "/login")[1])
        assert csrf is not None
        form = urlencode({"csrf_token": csrf[1], "username": name})
        url = f"{self._parts.scheme}://{self._parts.netloc}/login"
        status, _ = self.request("POST", "/login", form, Content_Type="application/x-www-form-urlencoded", Referer=url)
        assert status == 303, status
        return self


@dataclass
class Fact:
    """Something that was changed: its acknowledged value and when, or None while a change has no clear outcome."""

    value: Any
    at: float = field(default_factory=time.monotonic)
    #: Values that a change without a response may have set.
    possible: set[Any] = field(default_factory=set)


class Community:
    """Two public hubs, one for members, and what is known about them."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.hubs: dict[str, int] = {}
        self.notes: dict[str, int] = {}
        self.facts: dict[str, Fact] = {}
        #: When each message was published, by its id.
        self.published: dict[str, float] = {}
        self.statuses: Counter[str] = Counter()
        self._number = 0
        self._lock = threading.Lock()
        self._create()
        self._bus = self._connect()

    # Changes

    def write(self, hub: str = "alpha", text: str = "") -> bool | None:
        """Write the next number into the note of a hub; return whether that was acknowledged, None if unknown."""
        with self._lock:
            self._number += 1
            number = self._number
        settings = {"text": f"n={number} {text}"}
        return self._change(f"note {hub}", number, "PATCH", f"/widgets/{self.notes[hub]}", {"settings": settings})

    def set_member(self, is_member: bool) -> bool | None:
        """Make the guest a member of the hub gamma, or end that."""
        path = f"/hubs/t/gamma/roles/{GUEST}/member"
        return self._change("member", is_member, "PUT" if is_member else "DELETE", path, None)

    def set_public(self, is_public: bool) -> bool | None:
        """Make the hub beta public, or visible to members only."""
        body = {"visibility": "public" if is_public else "members"}
        return self._change("public", is_public, "PATCH", "/hubs/t/beta", body)

    def api(self, method: str, path: str, body: object) -> tuple[int, str]:
        """Call the API as the owner."""
        content = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {self._token}", "Content_Type": "application/json"}
        return Web(self.system.stack.url).request(method, f"/api/v1{path}", content, 10.0, **headers)

    def _change(self, name: str, value: Any, method: str, path: str, body: object) -> bool | None:
        fact = self.facts[name]
        with self._lock:
            previous, fact.value = fact.value, None
            fact.possible |= {previous, value}
        outcome: bool | None
        try:
            status, _ = self.api(method, path, body)
            outcome = True if status < 300 else None if status >= 500 else False
            self.statuses[f"{name.split(maxsplit=1)[0]}: {status}"] += 1
        except ConnectionRefusedError:
            outcome = False
        except (OSError, http.client.HTTPException):
            outcome = None
        with self._lock:
            if outcome is True:
                fact.value, fact.possible = value, {value}
            elif outcome is False and fact.possible == {previous, value}:
                fact.value, fact.possible = previous, {previous}
            fact.at = time.monotonic()
        return outcome

    # Messages

    def say(self, count: int = 1, person: str = "p0", rate: float = 0.0, **envelope: Any) -> list[str]:
        """Publish messages, which the history service knows in any case; return their ids."""
        ids = []
        for _ in range(count):
            with self._lock:
                self._number += 1
                number = self._number
            message = {
                "topic": "org.fedoraproject.prod.pagure.issue.new",
                "msg": {"agent": person, "issue": {"title": f"M-{number}", "id": number}, "project": {"name": "x"}},
                "msg_id": f"2026-{uuid.uuid4()}",
                "timestamp": time.time(),
                "i": number,
                **envelope,
            }
            self.system.history.messages.append(message)
            with self._lock:
                self._bus.send_multipart([message["topic"].encode(), json.dumps(message).encode()])
            ids.append(identity(str(message["msg_id"])))
            self.published[ids[-1]] = time.monotonic()
            if rate:
                time.sleep(1 / rate)
        return ids

    def reconnect(self) -> None:
        """Replace the connection to the relay, with everything that ZeroMQ would have sent later."""
        with self._lock:
            self._bus.close()
            self._bus = self._connect()

    def _connect(self) -> "zmq.Socket[bytes]":
        bus = zmq.Context.instance().socket(zmq.PUB)
        bus.setsockopt(zmq.SNDHWM, 1_000_000)
        bus.setsockopt(zmq.LINGER, 0)
        bus.connect(f"tcp://{HOST}:{self.system.stack.ports['inbound']}")
        return bus

    def close(self) -> None:
        """Close the connection to the relay."""
        self._bus.close()

    def wait_for_bus(self) -> None:
        """Wait until messages reach the daemon, and the daemon has handled all changes."""
        wait_for(lambda: self.system.wait_stored(self.say(), 1), "a message through relay and daemon")
        self.system.stack.settle()

    def _create(self) -> None:
        stack = self.system.stack
        database = stack.database()
        with database.transaction() as session:
            users = {name: roles.sign_up(session, stack.registry, name) for name in [*PEOPLE, "owner"]}
            session.flush()
            for name, visibility in (("alpha", "public"), ("beta", "public"), ("gamma", "members")):
                hub = templates.start(session, stack.registry, OPERATOR, users["owner"], name, {}, "team")
                session.flush()
                for username in PEOPLE:
                    roles.grant_role_unchecked(session, "owner", hub, users[username], RoleName.MEMBER)
                note = widgets.add(session, stack.registry, OPERATOR, hub, "sticky", "right", {"text": "n=0"})
                hub_actions.update(session, OPERATOR, hub, {"visibility": visibility})
                session.flush()
                self.hubs[name], self.notes[name] = hub.id, note.id
                self.facts[f"note {name}"] = Fact(0)
            session.refresh(users["owner"], ["roles"])
            owner = person(users["owner"].id, "owner", users["owner"].roles)
            _, self._token = tokens.create(session, owner, "chaos", 30, "write")
        database.dispose()
        self.facts |= {"member": Fact(True), "public": Fact(True)}
