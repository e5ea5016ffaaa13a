"""Types of settings: each checks a value and normalises it, or raises an error that says what to write."""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from hubs.settings.colours import DARK, ENOUGH, LIGHT, contrast, is_colour, readable_on

#: Hosts for which TLS is not required.
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
#: Largest logo in bytes, and most links in the foot of a page.
LOGO_BYTES, MOST_FOOTER_LINKS = 200_000, 12
#: Accounts of the programs of public forges.
SERVICE_ACCOUNTS = (
    "dependabot[bot]",
    "forgejo-actions",
    "ghost",
    "github-actions[bot]",
    "gitlab-bot",
    "renovate-bot",
    "renovate[bot]",
    "web-flow",
)
#: Families of demo messages (`hubs.demo.messages`).
FAMILIES = ("forgejo", "github", "gitlab", "pagure", "wiki", "fedora")
#: The zones of a hub's page, and most widgets of a new hub.
ZONES, MOST_WIDGETS = ("left", "right", "below"), 30


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
    return _address(value, "https://forge.example.org")


def _community_service(value: str) -> str:
    return _service(value) if value else value


def _optional_service(value: str) -> str:
    return _address(value, "https://seccdn.libravatar.org") if value else value


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


def _listen(value: str) -> str:
    """Accept one address of this machine with a port: figures are nobody else's business."""
    if not value:
        return value
    try:
        parts = urlsplit(f"//{value}")
        address, port = ip_address(parts.hostname or ""), parts.port
    except ValueError:
        raise ValueError("write an address and a port, such as 127.0.0.1:9464") from None
    if address.is_unspecified:
        raise ValueError("it would listen on all addresses, the public one too; write one, such as 127.0.0.1:9464")
    if port is None or not 0 < port < 65_533:
        raise ValueError("write a port below 65533, such as 127.0.0.1:9464, since the next three are used as well")
    return value


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


def _accent(value: str) -> str:
    return _colour(value, LIGHT, "white", "darker")


def _dark_accent(value: str) -> str:
    return _colour(value, DARK, f"the dark theme's {DARK}", "lighter")


def _colour(value: str, background: str, named: str, direction: str) -> str:
    """Refuse a colour that cannot be read on ``background``, and name the nearest that can."""
    value = value.strip().lower()
    if not value:
        return value
    if not is_colour(value):
        raise ValueError("write a colour as # and six hexadecimal digits, such as #2554c7")
    ratio = contrast(value, background)
    if ratio < ENOUGH:
        raise ValueError(
            f"the contrast of {value} with {named} is {ratio:.1f}, and {ENOUGH} is needed to read it; choose a "
            f"{direction} colour, such as {readable_on(background, value)}"
        )
    return value


def _footer_links(value: list[str]) -> list[str]:
    if len(value) > MOST_FOOTER_LINKS:
        raise ValueError(f"{len(value)} links are too many for the foot of a page; {MOST_FOOTER_LINKS} are possible")
    for entry in value:
        label, _sign, address = entry.partition("=")
        is_address = urlsplit(address).scheme in ("http", "https", "mailto") or re.match("/(?!/)", address)
        if not label.strip() or not is_address:
            raise ValueError(
                f"{entry} is not a link; write its text, an equals sign and its address, such as "
                "Privacy=https://hubs.example.org/privacy"
            )
    return value


def _layout(value: list[str]) -> list[str]:
    for entry in value:
        zone, _colon, widget = entry.partition(":")
        if zone not in ZONES or not widget:
            raise ValueError(f"{entry} is not a zone and a widget; write such as left:feed (zones: {', '.join(ZONES)})")
    if len(value) > MOST_WIDGETS:
        raise ValueError(f"{len(value)} widgets are too many for a new hub; {MOST_WIDGETS} are possible")
    return value


def _topic_prefix(value: str) -> str:
    # Readers of messages find their names behind two words and the environment, on every bus.
    if not re.fullmatch(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", value):
        raise ValueError(f"{value or 'nothing'} is not two words with a dot between them; write such as org.example")
    return value


def _families(value: list[str]) -> list[str]:
    unknown = [name for name in value if name not in FAMILIES] or ([] if value else ["nothing"])
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no family of messages; choose from {', '.join(FAMILIES)}")
    return value


def pairs(layout: list[str]) -> tuple[tuple[str, str], ...]:
    """Return the (zone, widget) pairs of a layout such as ``["left:feed"]``."""
    return tuple((zone, widget) for zone, _colon, widget in (entry.partition(":") for entry in layout))


def _logo(value: str) -> str:
    path = Path(value)
    if not value:
        return value
    if path.suffix.lower() not in (".svg", ".png"):
        raise ValueError(
            f"{value} is neither an SVG nor a PNG file; write the path of a file that ends in .svg or .png"
        )
    if not path.is_file():
        raise ValueError(f"there is no file {value}; write the path of the logo on this machine")
    if path.stat().st_size > LOGO_BYTES:
        raise ValueError(f"{value} has more than {LOGO_BYTES // 1000} kB; every page shows it, so make it smaller")
    return value


Words = Annotated[list[str], BeforeValidator(_words)]
Networks = Annotated[Words, AfterValidator(_networks)]
#: A credential for another service; never shown.
Token = Annotated[SecretStr, AfterValidator(_token)]
#: The address of another service, without a slash at its end.
ServiceURL = Annotated[str, AfterValidator(_service)]
#: The same, or empty if the community has no such service; widgets that need one are not offered then.
CommunityServiceURL = Annotated[str, AfterValidator(_community_service)]
#: The same, or empty.
OptionalServiceURL = Annotated[str, AfterValidator(_optional_service)]
#: Our own address, without a slash at its end.
SiteURL = Annotated[str, AfterValidator(_site)]
#: The address of an OpenID provider, over TLS but for one on this machine; may be empty.
IssuerURL = Annotated[str, AfterValidator(_issuer)]
#: The address of an AMQP broker, with its password; may be empty.
BrokerURL = Annotated[SecretStr, AfterValidator(_broker)]
#: A colour that can be read on the cards of the light theme, or of the dark one; may be empty.
Accent = Annotated[str, AfterValidator(_accent)]
DarkAccent = Annotated[str, AfterValidator(_dark_accent)]
#: Links as ``Text=address``.
FooterLinks = Annotated[Words, AfterValidator(_footer_links)]
#: The first two words of topics.
TopicPrefix = Annotated[str, AfterValidator(_topic_prefix)]
#: Families of demo messages.
Families = Annotated[Words, AfterValidator(_families)]
#: Widgets as ``zone:widget``.
Layout = Annotated[Words, AfterValidator(_layout)]
#: The path of an SVG or PNG file; may be empty.
LogoPath = Annotated[str, AfterValidator(_logo)]
#: An address and port to listen on; may be empty.
ListenAddress = Annotated[str, AfterValidator(_listen)]
DatabaseURL = Annotated[str, AfterValidator(_database)]
CacheURL = Annotated[str, AfterValidator(_cache)]
RedisURL = Annotated[str, AfterValidator(_redis)]


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
