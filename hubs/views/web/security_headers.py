"""Security headers of every response, such as the Content-Security-Policy."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Flask, Response, session

from hubs.settings import Settings


def register(app: Flask, settings: Settings) -> None:
    """Add the headers to every response of ``app``."""
    fixed = headers_for(settings)

    @app.after_request
    def protect(response: Response) -> Response:
        headers = response.headers
        # A page for other sites, or a file of the operator, has a policy of its own.
        own = {"Content-Security-Policy"} & set(headers.keys())
        headers.extend((name, value) for name, value in fixed if name not in own)
        if "Cache-Control" not in headers:
            # Pages of signed-in people must not stay in a shared cache.
            headers["Cache-Control"] = "private, no-cache" if session else "no-cache"
            response.vary.add("Cookie")
        return response


def headers_for(settings: Settings) -> Sequence[tuple[str, str]]:
    """Return the headers that are the same for every response."""
    return (
        ("Content-Security-Policy", content_policy(settings)),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    )


def content_policy(settings: Settings) -> str:
    """Return the Content-Security-Policy: our own files only."""
    stream = urlsplit(settings.stream_url)
    elsewhere = f" {stream.scheme}://{stream.netloc}" if stream.netloc else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "font-src 'self'",
            f"connect-src 'self'{elsewhere}",
            "worker-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
