"""Types of settings: each checks a value and normalises it, or raises an error that says what to write."""

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

#: Hosts for which TLS is not required.
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def _words(value: Any) -> Any:
    """Split a comma-separated text, the form of a list in an environment variable."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


def _networks(value: list[str]) -> list[str]:
    for text in value:
        try:
            ip_network(text)
        except ValueError:
            raise ValueError(f"{text} is not a network; write for example 10.20.0.0/16") from None
    return value


def _token(value: SecretStr) -> SecretStr:
    """Refuse tokens that are not valid in a header; the error must not repeat the secret."""
    text = value.get_secret_value()
    if not (text.isascii() and text.isprintable() and " " not in text) or len(text) > 500:
        raise ValueError("a token has only letters, digits and signs, no blanks or line breaks")
    return value


def _address(value: str, example: str) -> str:
    if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
        raise ValueError(f"write a full address such as {example}")
    return value.rstrip("/")


def _service(value: str) -> str:
    return _address(value, "https://bodhi.fedoraproject.org")


def _site(value: str) -> str:
    return _address(value, "https://hubs.example.org")


def _broker(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    if url and urlsplit(url).scheme not in ("amqp", "amqps"):
        raise ValueError(
            "it must begin with amqps:// (or amqp:// on this machine), such as amqps://hubs@host/%2Fpubsub"
        )
    return value


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    if value and not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        raise ValueError("write a full address that starts with https://")
    return value.rstrip("/")


def _database(value: str) -> str:
    # SQLAlchemy 2.1 maps postgresql:// to psycopg 3, and does not know postgres://, which hosting services use.
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", value)


def _cache(value: str) -> str:
    if value and not value.startswith(("memcached://", "sqlite:///", "null://")):
        raise ValueError("start it with memcached://, sqlite:/// or null://")
    return value


def _redis(value: str) -> str:
    if not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("start it with redis://, rediss:// or unix://")
    return value


Words = Annotated[list[str], BeforeValidator(_words)]
Networks = Annotated[Words, AfterValidator(_networks)]
#: A credential for another service; never shown.
Token = Annotated[SecretStr, AfterValidator(_token)]
#: The address of another service, without a slash at its end.
ServiceURL = Annotated[str, AfterValidator(_service)]
#: Our own address, without a slash at its end.
SiteURL = Annotated[str, AfterValidator(_site)]
#: The address of an OpenID provider, over TLS but for one on this machine; may be empty.
IssuerURL = Annotated[str, AfterValidator(_issuer)]
#: The address of an AMQP broker, with its password; may be empty.
BrokerURL = Annotated[SecretStr, AfterValidator(_broker)]
DatabaseURL = Annotated[str, AfterValidator(_database)]
CacheURL = Annotated[str, AfterValidator(_cache)]
RedisURL = Annotated[str, AfterValidator(_redis)]


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
