"""The one way in which Hubs asks other services: `HTTP.get`.

It keeps timeouts and sizes, retries with full jitter, honours ``Retry-After``, asks conditionally, is gentle to each
host, says who it is, and keeps tokens to their own service. A client is a small class on top: it has a `Service`, asks
with ``http.get(service.url("user", name, "json"), service)``, and checks the answer with `Answer.read_as`; see
`hubs.clients.badges`, the pattern for all.

The address of a `Service` comes from the settings and is trusted. Every other address was typed by a person: it must
lead to a public web server (see `hubs.clients.http.ssrf`), also after a redirect.
"""

import logging
import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import httpcore
from pydantic import SecretStr

from hubs.cache import Cache, NullCache
from hubs.clients.http.conditional import Memory, Remembered
from hubs.clients.http.connections import Pools
from hubs.clients.http.politeness import Host, Hosts, Policy
from hubs.clients.http.response import Answer, seconds_to_wait, tidy, too_large, unexpected, unpacked
from hubs.clients.http.ssrf import Network, Resolve, resolve, until
from hubs.errors import UpstreamForbidden, UpstreamMissing, UpstreamRefused, UpstreamUnreachable
from hubs.i18n import _

log = logging.getLogger(__name__)

JSON = "application/json"
_PORTS = {"http": 80, "https": 443}
#: What the name of a host is made of, once it is spelled for the net; it comes into logs.
_HOST = re.compile(r"[A-Za-z0-9._:-]+")
#: What may stand in a path or a query as it is.
_KEPT = "/%:@!$&'()*+,;=~-._?[]"
_MOVED = (301, 302, 303, 307, 308)
#: Redirects that are followed.
HOPS = 4
#: Answers after which it makes sense to try again.
_AGAIN = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Service:
    """A service that the settings name: its address is trusted, and its token is sent to it alone.

    ``title`` is what people call it. ``scheme`` stands before the token in the header ``Authorization``.
    """

    title: str
    base: str
    token: SecretStr = field(default_factory=lambda: SecretStr(""))
    scheme: str = "Bearer"

    def url(self, *parts: object, **params: Any) -> str:
        """Return an address below the base; parts are quoted, parameters that are None are left out."""
        path = "/".join(quote(str(part), safe="") for part in parts)
        given = {name: value for name, value in params.items() if value is not None}
        query = f"?{urlencode(given, doseq=True)}" if given else ""
        return f"{self.base.rstrip('/')}/{path}{query}"

    def headers(self) -> dict[str, str]:
        """Return what proves who we are, where we have a token."""
        token = self.token.get_secret_value()
        return {"Authorization": f"{self.scheme} {token}"} if token else {}


@dataclass(frozen=True)
class _Target:
    """An address taken apart: ``trusted`` when it belongs to the service that was asked."""

    url: str
    scheme: str
    host: str
    port: int
    trusted: bool
    name: str

    @classmethod
    def of(cls, url: str, service: Service | None) -> "_Target":
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").encode("idna").decode(), parts.port
        except (ValueError, UnicodeError):
            raise UpstreamForbidden(_("This is not the address of a web page.")) from None
        if parts.scheme not in _PORTS or not _HOST.fullmatch(host) or parts.username is not None or port == 0:
            raise UpstreamForbidden(_("Only plain addresses that start with https:// or http:// can be read."))
        found = cls(url, parts.scheme, host, port or _PORTS[parts.scheme], False, tidy(host, 80))
        if service and found.origin == _Target.of(service.base, None).origin:
            return replace(found, trusted=True, name=service.title)
        return found

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    @property
    def authority(self) -> str:
        """What the header ``Host`` says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def parsed(self) -> httpcore.URL:
        """Return the address for the connection; what is not ASCII in it is quoted."""
        parts = urlsplit(self.url)
        path = quote(parts.path or "/", safe=_KEPT) + (f"?{quote(parts.query, safe=_KEPT)}" if parts.query else "")
        return httpcore.URL(scheme=self.scheme, host=self.host, port=self.port, target=path)


@dataclass(frozen=True)
class _Request:
    """What is asked for on all tries and hops."""

    service: Service | None
    headers: Mapping[str, str]
    known: Remembered | None
    limit: int
    deadline: float
    content: bytes = b""


class HTTP:
    """Asks other services; one per process, used by all threads.

    ``agent`` names this instance. ``cache`` remembers answers for conditional requests. ``vouched`` are networks that
    people's addresses may lead to although they are not public.
    """

    def __init__(
        self,
        agent: str,
        cache: Cache | None = None,
        vouched: Sequence[Network] = (),
        policy: Policy | None = None,
        resolver: Resolve = resolve,
    ) -> None:
        self._agent, self._policy = agent, policy or Policy()
        self._memory = Memory(cache or NullCache(), self._policy.limit)
        self._hosts = Hosts(self._policy)
        self._pools = Pools(vouched, resolver)

    def get(self, url: str, service: Service | None = None, accept: str = JSON, limit: int | None = None) -> Answer:
        """Return the answer of ``url``, with status 2xx; ``limit`` is its largest size in bytes.

        :raises UpstreamError: with a sentence for people, when there is no answer that can be used.
        """
        secret = bool(service and service.headers())
        known = self._memory.find(url, secret)
        answer = self._follow(url, self._question(service, accept, limit, known))
        if answer.status == 304 and known is not None:
            return replace(answer, status=200, body=known.body)
        _refuse(answer)
        found = (answer.headers.get("etag", "")[:200], answer.headers.get("last-modified", "")[:100])
        self._memory.keep(url, secret, Remembered(answer.url, *found, answer.body))
        return answer

    def post(self, url: str, service: Service, content: bytes, kind: str) -> Answer:
        """Return the answer to a question that is sent as a body of the media type ``kind``; else as `get`.

        It may be sent several times, so it must be one that changes nothing.
        """
        answer = self._patiently(_Target.of(url, service), self._question(service, kind, content=content))
        _refuse(answer)
        return answer

    def close(self) -> None:
        """Close all connections."""
        self._pools.close()

    def _question(
        self,
        service: Service | None,
        kind: str,
        limit: int | None = None,
        known: Remembered | None = None,
        content: bytes = b"",
    ) -> _Request:
        headers = {"User-Agent": self._agent, "Accept": kind, "Accept-Encoding": "gzip"}
        if content:
            headers |= {"Content-Type": kind, "Content-Length": str(len(content))}
        deadline = time.monotonic() + self._policy.total
        return _Request(service, headers, known, limit or self._policy.limit, deadline, content)

    def _follow(self, url: str, question: _Request) -> Answer:
        name = ""
        for _hop in range(HOPS + 1):
            target = _Target.of(url, question.service)
            name = name or target.name
            answer = self._patiently(target, question)
            if answer.status not in _MOVED or "location" not in answer.headers:
                return answer
            url = _next(url, answer)
        raise unexpected(name)

    def _patiently(self, target: _Target, question: _Request) -> Answer:
        """Ask until there is an answer, within the number of tries and the time that there is."""
        host, tries = self._hosts.get(not target.trusted, target.origin), 0
        while True:
            tries += 1
            result = self._attempt(host, target, question)
            if isinstance(result, Answer) and result.status not in _AGAIN:
                return result
            wait = self._wait(tries, result)
            if tries >= self._policy.tries or time.monotonic() + wait >= question.deadline:
                if isinstance(result, Answer):
                    return result
                raise result
            time.sleep(wait)

    def _wait(self, tries: int, result: Answer | UpstreamUnreachable) -> float:
        """Return the seconds until the next try: at random, and no less than what the service asks for."""
        first, longest = self._policy.backoff
        asked = _asked(result) if isinstance(result, Answer) else None
        return max(asked or 0.0, random.uniform(0.0, min(first * 2.0 ** (tries - 1), longest)))

    def _attempt(self, host: Host, target: _Target, question: _Request) -> Answer | UpstreamUnreachable:
        """Ask once, when it is our turn; return the answer, or why there is none that another try could get."""
        with host.turn(question.deadline):
            try:
                with until(question.deadline):
                    answer = self._exchange(target, question)
            except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
                host.failed()
                log.info("%s does not answer: %s", target.host, error or type(error).__name__)
                return UpstreamUnreachable(_("{host} is not responding.").format(host=target.name))
            if answer.status >= 500:
                host.failed()
            else:
                host.succeeded()
            asked = _asked(answer)
            if asked:
                host.pause(asked)
            return answer

    def _exchange(self, target: _Target, question: _Request) -> Answer:
        """Send one request and read its answer."""
        policy = self._policy
        steps = {"connect": policy.connect, "read": policy.read, "write": policy.read, "pool": policy.connect}
        sent = self._headers(target, question)
        pool = self._pools.get(not target.trusted)
        how: dict[str, Any] = {"headers": sent, "content": question.content or None, "extensions": {"timeout": steps}}
        with pool.stream("POST" if question.content else "GET", target.parsed(), **how) as response:
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            length = headers.get("content-length", "")
            if length.isdigit() and int(length[:15]) > question.limit:
                raise too_large(target.name, question.limit)
            encoding = headers.get("content-encoding", "").strip().lower()
            chunks = response.iter_stream()
            body = (
                unpacked(target.name, chunks, encoding, question.limit) if response.status in range(200, 300) else b""
            )
        return Answer(target.name, target.url, response.status, headers, body)

    def _headers(self, target: _Target, question: _Request) -> list[tuple[bytes, bytes]]:
        headers = {"Host": target.authority, **question.headers}
        if target.trusted and question.service:
            headers |= question.service.headers()
        if question.known and question.known.url == target.url:
            headers |= question.known.conditions()
        return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def _next(url: str, answer: Answer) -> str:
    """Return where a redirect leads."""
    try:
        return urljoin(url, answer.headers["location"])
    except ValueError:
        raise unexpected(answer.name) from None


def _asked(answer: Answer) -> float | None:
    """Return the seconds for which a busy service asks to be left alone."""
    if answer.status not in (429, 503) or "retry-after" not in answer.headers:
        return None
    return seconds_to_wait(answer.headers["retry-after"], datetime.now(UTC))


def _refuse(answer: Answer) -> None:
    """Raise for every status that is no success."""
    status, name, asked = answer.status, answer.name, _asked(answer)
    if status in range(200, 300):
        return
    if status in (404, 410):
        raise UpstreamMissing(_("{host} returned “Not Found”.").format(host=name))
    if status == 429:
        raise UpstreamRefused(_("{host} asked us to try again later.").format(host=name), asked or 60.0)
    if status in (401, 403, 407, 451):
        raise UpstreamRefused(_("{host} denied access.").format(host=name))
    if status >= 500:
        text = _("{host} reported an error ({status}).")
        raise UpstreamUnreachable(text.format(host=name, status=status), asked)
    raise unexpected(name)
