"""Whether people sign in at an OpenID provider. Only then are the libraries loaded that it takes."""

from typing import TYPE_CHECKING

from flask import Flask

from hubs.settings import Settings

if TYPE_CHECKING:
    from hubs.views.account.oidc_client import Provider


def install(app: Flask, settings: Settings) -> None:
    """Configure the provider of the settings, if there is one. Sends no request yet."""
    if settings.oidc_issuer:
        from hubs.views.account import oidc_client  # noqa: PLC0415

        oidc_client.register(app, settings)


def provider(settings: Settings) -> "Provider | None":
    """Return the provider, or None if none is configured."""
    if not settings.oidc_issuer:
        return None
    from hubs.views.account.oidc_client import Provider  # noqa: PLC0415

    return Provider(settings)
