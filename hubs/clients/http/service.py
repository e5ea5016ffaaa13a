"""Services whose addresses are configured by the operator, or fixed in the code."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from hubs.errors import NeedsSetup
from hubs.i18n import _
from hubs.parameters.addresses import TypedAddress, below


class ServiceAddress(str):
    """An address made by `Service.url`; the only one that is requested with a `Service`."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Pickle as a plain text, since results of widgets contain such addresses."""
        return str, (str(self),)


@dataclass(frozen=True)
class Credential:
    """A header with a key that is sent to one host alone; ``origin`` is its scheme, name and port."""

    origin: str
    header: str
    value: SecretStr

    def headers(self) -> dict[str, str]:
        """Return the header."""
        return {self.header: self.value.get_secret_value()}


@dataclass(frozen=True)
class HostKey:
    """A key that was entered for one host; each service has its own header for keys."""

    origin: str
    text: SecretStr

    def sent_as(self, header: str, before: str = "") -> Credential:
        """Return the key as a header; ``before`` precedes it there."""
        return Credential(self.origin, header, SecretStr(before + self.text.get_secret_value()))


@dataclass(frozen=True)
class Service:
    """A service that the settings name: its address is trusted, and its token is sent to it alone.

    ``title`` is its name in error messages. ``base`` is empty where this instance does not use the service.
    ``scheme`` precedes the token in the header ``Authorization``.

    :raises TypeError: when ``base`` is an address that a person typed, which is never trusted.
    """

    title: str
    base: str
    token: SecretStr = field(default_factory=lambda: SecretStr(""))
    scheme: str = "Bearer"

    def __post_init__(self) -> None:
        if isinstance(self.base, TypedAddress):
            raise TypeError(
                "A Service is trusted with requests into our own network; an address that a person typed is not. "
                "Request it with clients.http.get(address), without a Service."
            )

    @property
    def is_used(self) -> bool:
        """Whether this instance uses the service: it has an address."""
        return bool(self.base)

    def url(self, *parts: object, **params: Any) -> ServiceAddress:
        """Return an address below the base. Parts are quoted; parameters that are None are left out.

        :raises NeedsSetup: when this instance does not use the service.
        """
        if not self.is_used:
            text = _("{service} is not used here. Its address is a setting of this instance.")
            raise NeedsSetup(text.format(service=self.title))
        return ServiceAddress(below(self.base, *parts, **params))

    def headers(self) -> dict[str, str]:
        """Return the authentication headers, if there is a token."""
        token = self.token.get_secret_value()
        return {"Authorization": f"{self.scheme} {token}"} if token else {}
