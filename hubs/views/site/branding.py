"""The instance's own logo, icons and colours, as its settings say."""

import hashlib
from pathlib import Path

from flask import Blueprint, Response, request

from hubs.errors import NotFound
from hubs.i18n import _
from hubs.pictures import icons
from hubs.settings import Settings
from hubs.settings.colours import DARK, LIGHT, mixed, readable_on
from hubs.views.web.context import app_context

blueprint = Blueprint("branding", __name__)

#: Sizes in which the icon is offered: for home screens and for the manifest.
ICON_SIZES = (180, 192, 512)
#: An SVG file is a document: opened on its own it must run nothing and load nothing.
_SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """Return the icon that browsers request on their own."""
    return _picture(icons.ico(_brand()), "image/vnd.microsoft.icon")


@blueprint.get("/icon-<int:size>.png")
def icon(size: int) -> Response:
    """Return the icon of the instance in one of the offered sizes."""
    return _icon(size)


@blueprint.get("/icon-<int:size>-maskable.png")
def maskable_icon(size: int) -> Response:
    """Return the icon with the margin that launchers cut off."""
    return _icon(size, maskable=True)


@blueprint.get("/logo")
def logo() -> Response:
    """Return the logo that the settings name."""
    path = Path(app_context().settings.site_logo)
    content_type = _TYPES.get(path.suffix.lower())
    if content_type is None:
        raise NotFound(_("This instance has no logo of its own."))
    response = _picture(path.read_bytes(), content_type)
    response.headers["Content-Security-Policy"] = _SVG_POLICY
    return response


@blueprint.get("/site.css")
def colours() -> Response:
    """Return the style sheet with the instance's accent colour; it has no rule without one."""
    return _cacheable(Response(style_sheet(app_context().settings), mimetype="text/css"))


def style_sheet(settings: Settings) -> str:
    """Return the tokens of the accent colour in both themes; empty if the colours of the design apply."""
    accent = settings.site_accent
    if not accent:
        return ""
    text = settings.site_accent_dark or readable_on(DARK, accent)
    light = _tokens(accent, accent, mixed(accent, "#000000", 0.8), mixed(accent, LIGHT, 0.12))
    # White is readable on the accent colour in either theme, so buttons keep it; only text on dark cards differs.
    dark = _tokens(accent, text, mixed(accent, "#000000", 0.85), mixed(accent, DARK, 0.25))
    return (
        f':root, [data-theme="light"], [data-bs-theme="light"] {{ {light} }}\n'
        f'[data-theme="dark"], [data-bs-theme="dark"] {{ {dark} }}\n'
        f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme], [data-bs-theme]) {{ {dark} }} }}\n"
    )


def version(settings: Settings) -> str:
    """Return a text that changes with the instance's colours, for the address of the style sheet."""
    return hashlib.blake2b(style_sheet(settings).encode(), digest_size=4).hexdigest() if settings.site_accent else ""


def links(settings: Settings) -> list[tuple[str, str]]:
    """Return text and address of each link in the foot."""
    return [
        (label.strip(), address.strip()) for label, _sign, address in (x.partition("=") for x in settings.footer_links)
    ]


def _tokens(accent: str, text: str, hover: str, tint: str) -> str:
    return f"--accent: {accent}; --accent-hover: {hover}; --accent-text: {text}; --accent-tint: {tint}; --link: {text};"


def _brand() -> icons.Brand:
    settings = app_context().settings
    return icons.Brand(settings.site_name, settings.site_logo, settings.site_accent)


def _icon(size: int, *, maskable: bool = False) -> Response:
    if size not in ICON_SIZES:
        raise NotFound(_("There is no icon in this size."))
    return _picture(icons.png(_brand(), size, maskable), "image/png")


def _picture(content: bytes, content_type: str) -> Response:
    return _cacheable(Response(content, mimetype=content_type))


def _cacheable(response: Response) -> Response:
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.add_etag()
    response.make_conditional(request)
    return response
