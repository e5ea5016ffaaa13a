"""The HTTP client for upstream services: `HTTP.get`.

It limits time and size, retries with full jitter, honours ``Retry-After``, sends conditional requests, limits the load
on each host, identifies itself, and sends a token only to its own service. A client is a small class on top: it has a
`Service`, calls ``http.get(service.url("user", name, "json"), service)``, and validates the result with
`Response.read_as`; `hubs.clients.badges` is the model for all.

The address of a `Service` comes from the settings and is trusted. Any other address was typed by a person, is a
`TypedAddress`, and must lead to a public web server (see `hubs.clients.http.ssrf`), also after a redirect. Plain texts
are refused, so that no address becomes trusted by mistake.
"""

import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import httpcore

from hubs.cache import Cache, NullCache
from hubs.clients.http.conditional import ResponseCache, StoredResponse
from hubs.clients.http.connections import Pools
from hubs.clients.http.counts import RequestCounts
from hubs.clients.http.politeness import Circuit, Circuits, Policy
from hubs.clients.http.response import Response, too_large, uncompressed, unexpected
from hubs.clients.http.service import Credential, Service, ServiceAddress
from hubs.clients.http.ssrf import Network, Resolve, resolve, until
from hubs.clients.http.status import raise_for_status, redirect_target, retry_after, used_up
from hubs.clients.http.target import Target
from hubs.errors import UpstreamUnreachable
from hubs.i18n import _
from hubs.parameters.addresses import TypedAddress

log = logging.getLogger(__name__)
__all__ = ["HTTP", "Service"]

JSON = "application/json"
_REDIRECTS = (301, 302, 303, 307, 308)
#: Redirects that are followed per request.
MAX_REDIRECTS = 4
#: Statuses after which a retry makes sense.
_RETRIED = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class _Request:
    """One request, over all its retries and redirects."""

    service: Service | None
    #: The hub whose people typed the address; empty for services.
    owner: str
    headers: Mapping[str, str]
    stored: StoredResponse | None
    limit: int
    deadline: float
    content: bytes = b""
    #: Whether a body beyond the limit is cut instead of refused.
    cut: bool = False
    credential: Credential | None = None


class HTTP:
    """Sends requests to upstream services; one per process, used by all threads.

    ``agent`` identifies this instance. ``cache`` stores responses for conditional requests. ``allowed_networks`` are
    private networks that addresses typed by people may lead to.
    """

    def __init__(
        self,
        agent: str,
        cache: Cache | None = None,
        allowed_networks: Sequence[Network] = (),
        policy: Policy | None = None,
        resolver: Resolve = resolve,
    ) -> None:
        self._agent, self._policy = agent, policy or Policy()
        self._responses = ResponseCache(cache or NullCache(), self._policy.limit)
        self._circuits = Circuits(self._policy)
        self._pools = Pools(allowed_networks, resolver)
        self.counts = RequestCounts(self._circuits)

    @overload
    def get(
        self,
        url: TypedAddress,
        *,
        accept: str = JSON,
        limit: int | None = None,
        cut: bool = False,
        credential: Credential | None = None,
    ) -> Response: ...

    @overload
    def get(
        self,
        url: ServiceAddress,
        service: Service,
        accept: str = JSON,
        limit: int | None = None,
        *,
        credential: Credential | None = None,
    ) -> Response: ...

    def get(
        self,
        url: str,
        service: Service | None = None,
        accept: str = JSON,
        limit: int | None = None,
        cut: bool = False,
        credential: Credential | None = None,
    ) -> Response:
        """Return the response of ``url``, with status 2xx; ``limit`` is its largest size in bytes.

        With ``cut``, only the beginning of a larger body is read. A ``credential`` is sent to its own host instead of
        the token of the service, and the response is not stored.

        :raises UpstreamError: with a message for viewers, when there is no usable response.
        :raises TypeError: for any address but `Service.url` with its service, and a `TypedAddress` without one.
        """
        _check(url, service)
        address, owner = str(url), url.owner if isinstance(url, TypedAddress) else ""
        secret = bool(service and service.headers())
        stored = None if credential else self._responses.read(address, secret)
        request = self._request_for(service, accept, limit, stored, owner=owner)
        request = replace(request, cut=cut, credential=credential)
        response = self._follow(address, request)
        if response.status == 304 and stored is not None:
            return replace(response, status=200, body=stored.body)
        raise_for_status(response)
        if response.is_cut or credential:
            return response
        validators = (response.headers.get("etag", "")[:200], response.headers.get("last-modified", "")[:100])
        self._responses.store(address, secret, StoredResponse(response.url, *validators, response.body))
        return response

    def post(
        self, url: ServiceAddress, service: Service, content: bytes, kind: str, limit: int | None = None
    ) -> Response:
        """Return the response to a body of the media type ``kind``; otherwise like `get`.

        Retries may send it several times, so it must not change anything.
        """
        _check(url, service)
        response = self._with_retries(Target.of(url, service), self._request_for(service, kind, limit, content=content))
        raise_for_status(response)
        return response

    def close(self) -> None:
        """Close all connections."""
        self._pools.close()

    def _request_for(
        self,
        service: Service | None,
        kind: str,
        limit: int | None = None,
        stored: StoredResponse | None = None,
        content: bytes = b"",
        owner: str = "",
    ) -> _Request:
        headers = {"User-Agent": self._agent, "Accept": kind, "Accept-Encoding": "gzip"}
        if content:
            headers |= {"Content-Type": kind, "Content-Length": str(len(content))}
        deadline = time.monotonic() + self._policy.total
        return _Request(service, owner, headers, stored, limit or self._policy.limit, deadline, content)

    def _follow(self, url: str, request: _Request) -> Response:
        name = ""
        for _hop in range(MAX_REDIRECTS + 1):
            target = Target.of(url, request.service)
            name = name or target.name
            response = self._with_retries(target, request)
            if response.status not in _REDIRECTS or "location" not in response.headers:
                return response
            url = redirect_target(url, response)
        raise unexpected(name)

    def _with_retries(self, target: Target, request: _Request) -> Response:
        """Send a request until it succeeds, within the limits on retries and time."""
        circuit = self._circuits.get("" if target.trusted else request.owner, not target.trusted, target.origin)
        tries = 0
        while True:
            tries += 1
            result = self._attempt(circuit, target, request)
            if isinstance(result, Response) and result.status not in _RETRIED:
                return result
            wait = self._wait(tries, result)
            if tries >= self._policy.tries or time.monotonic() + wait >= request.deadline:
                if isinstance(result, Response):
                    return result
                raise result
            time.sleep(wait)

    def _wait(self, tries: int, result: Response | UpstreamUnreachable) -> float:
        """Return the seconds until the next try: back-off with full jitter, but at least ``Retry-After``."""
        first, longest = self._policy.backoff
        stated = retry_after(result) if isinstance(result, Response) else None
        return max(stated or 0.0, random.uniform(0.0, min(first * 2.0 ** (tries - 1), longest)))

    def _attempt(self, circuit: Circuit, target: Target, request: _Request) -> Response | UpstreamUnreachable:
        """Send a request once; return the response, or the error if a retry may help."""
        service = target.name if target.trusted else ""
        with circuit.turn(request.deadline):
            try:
                with until(request.deadline):
                    response = self._exchange(target, request)
            except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
                circuit.failed()
                self.counts.count(service, target.origin, 0)
                log.debug("%s does not answer: %s", target.host, error or type(error).__name__)
                return UpstreamUnreachable(_("{host} is not responding.").format(host=target.name))
            self.counts.count(service, target.origin, response.status)
            if response.status >= 500:
                circuit.failed()
            else:
                circuit.succeeded()
            # For all requests to this host, not only for this one.
            if seconds := used_up(response):
                circuit.limit(seconds)
            elif seconds := retry_after(response):
                circuit.pause(seconds)
            return response

    def _exchange(self, target: Target, request: _Request) -> Response:
        """Send one request and read its response."""
        policy = self._policy
        steps = {"connect": policy.connect, "read": policy.read, "write": policy.read, "pool": policy.connect}
        sent = self._headers(target, request)
        pool = self._pools.get(not target.trusted)
        how: dict[str, Any] = {"headers": sent, "content": request.content or None, "extensions": {"timeout": steps}}
        with pool.stream("POST" if request.content else "GET", target.parsed(), **how) as response:
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            length = headers.get("content-length", "")
            if not request.cut and length.isdigit() and int(length[:15]) > request.limit:
                raise too_large(target.name, request.limit)
            encoding = headers.get("content-encoding", "").strip().lower()
            chunks = response.iter_stream()
            body = (
                uncompressed(target.name, chunks, encoding, request.limit, request.cut)
                if response.status in range(200, 300)
                else b""
            )
        is_cut = len(body) > request.limit
        return Response(target.name, target.url, response.status, headers, body[: request.limit], is_cut)

    def _headers(self, target: Target, request: _Request) -> list[tuple[bytes, bytes]]:
        headers = {"Host": target.authority, **request.headers}
        if request.credential and Target.of(request.credential.origin, None).origin == target.origin:
            headers |= request.credential.headers()
        elif target.trusted and request.service:
            headers |= request.service.headers()
        if request.stored and request.stored.url == target.url:
            headers |= request.stored.conditions()
        return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def _check(url: str, service: Service | None) -> None:
    """Refuse addresses of unknown origin while a widget is developed, and typed ones where they would be trusted."""
    if service is None and not isinstance(url, TypedAddress):
        raise TypeError("An address without a Service must be a TypedAddress, such as the value of a url parameter.")
    if service is not None and not isinstance(url, ServiceAddress):
        raise TypeError("An address that is requested with a Service must be made by its method url().")
