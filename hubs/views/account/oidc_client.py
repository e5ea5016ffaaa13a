"""OpenID Connect: authorization code flow with PKCE and nonce, by discovery, on Authlib.

All URLs that we send to the provider come from ``site_url``, never from the request: behind a proxy the request knows
neither the scheme nor, reliably, the host.
"""

import logging
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.common.urls import add_params_to_uri
from authlib.integrations.flask_client import OAuth
from flask import Flask, current_app, request, session
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError
from requests import RequestException

from hubs import urls
from hubs.errors import ProviderAway, SignInFailed
from hubs.i18n import N_, _
from hubs.settings import Settings
from hubs.views.account.attempts import STATE, pending_attempts
from hubs.views.account.logout_tokens import ALGORITHMS, LogoutTokens

log = logging.getLogger(__name__)

_EXTENSION, _TOKENS = "hubs.oidc", "hubs.oidc.logout"
#: Timeout of requests to the provider, and accepted clock skew, in seconds.
TIMEOUT, LEEWAY = 5, 120

#: How many sign-ins may be under way in one browser.
MAX_ATTEMPTS = 3
_DAMAGED = N_("The provider's response is damaged or does not belong to this sign-in attempt. Please sign in again.")
_EARLY = ("in the future", "not valid yet", "'iat'", "'nbf'")


def register(app: Flask, settings: Settings) -> None:
    """Register the provider of the settings. Sends no request yet."""
    clients = OAuth(app)
    clients.register(
        "oidc",
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value() or None,
        server_metadata_url=f"{settings.oidc_issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": " ".join(settings.oidc_scopes),
            "code_challenge_method": "S256",
            "default_timeout": TIMEOUT,
        },
    )
    app.extensions[_EXTENSION] = clients
    app.extensions[_TOKENS] = LogoutTokens(clients.oidc)


class Provider:
    """The provider, for one request."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._client: Any = current_app.extensions[_EXTENSION].oidc

    def begin(self, target: str) -> str:
        """Return the URL at which the person signs in, to return to ``target`` afterwards.

        State, nonce and verifier go into the session.

        :raises ProviderAway: if the provider is unavailable.
        """
        # Tabs may sign in at the same time, but the cookie has room for a few attempts only.
        for name in list(pending_attempts())[: -(MAX_ATTEMPTS - 1)]:
            session.pop(name)
        self._metadata()
        callback = self.settings.site_url + urls.login_callback()
        response = self._call(lambda: self._client.authorize_redirect(callback))
        location = cast("str", response.headers["Location"])
        attempt = session[STATE + parse_qs(urlsplit(location).query)["state"][0]]["data"]
        attempt.pop("url", None)  # repeats the other values, which the cookie has no room for
        attempt["next"] = target
        return location

    def finish(self) -> tuple[dict[str, Any], str, str]:
        """Return the person's claims, the ID token, and the target of `begin`, from the parameters of the callback.

        :raises SignInFailed: if the person refused, or the response is not valid.
        :raises ProviderAway: if the provider is unavailable.
        """
        metadata = self._metadata()
        _check_issuer(metadata)
        attempt = session.get(STATE + request.args.get("state", ""), {})
        target = str(attempt.get("data", {}).get("next") or urls.front())
        token = self._call(lambda: self._client.authorize_access_token(leeway=LEEWAY))
        claims = dict(token.get("userinfo") or {})
        if not claims.get("sub"):
            raise SignInFailed(_("The provider sent no ID token. Please contact an administrator."))
        if metadata.get("userinfo_endpoint"):
            userinfo = self._call(lambda: self._client.userinfo(token=token))
            # Required by OpenID Connect Core 5.3.2: userinfo could belong to another person's token.
            if userinfo.get("sub") != claims["sub"]:
                raise SignInFailed(
                    _("The provider's responses refer to two different people. Nothing was changed; please try again.")
                )
            claims = {**userinfo, **claims}
        return claims, str(token["id_token"]), target

    def sign_out_address(self, id_token: str) -> str:
        """Return the URL that signs the person out at the provider; empty if it has none or is unavailable."""
        try:
            endpoint = self._metadata().get("end_session_endpoint", "")
        except ProviderAway:
            return ""
        return_to = self.settings.site_url + urls.front()
        values = {"client_id": self.settings.oidc_client_id, "post_logout_redirect_uri": return_to}
        if id_token:
            values["id_token_hint"] = id_token
        return str(add_params_to_uri(endpoint, values)) if endpoint else ""

    def signed_out(self, token: str) -> tuple[str, str]:
        """Return the subject and session that a back-channel logout token names; either may be empty.

        :raises SignInFailed: if the token is not valid.
        """
        tokens = current_app.extensions[_TOKENS]
        claims = self._call(lambda: tokens.read(token, self.settings.oidc_client_id, LEEWAY))
        self._metadata()  # checks the issuer
        return str(claims.get("sub") or ""), str(claims.get("sid") or "")

    def _metadata(self) -> dict[str, Any]:
        metadata = self._call(self._client.load_server_metadata)
        if str(metadata.get("issuer", "")).rstrip("/") != self.settings.oidc_issuer:
            log.error("the provider's issuer is %s, which differs from HUBS_OIDC_ISSUER", metadata.get("issuer"))
            raise SignInFailed(
                _("The provider does not identify itself as the configured one. Please contact an administrator.")
            )
        # Authlib accepts what the metadata list, which may contain "none" and algorithms with a shared secret.
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        accepted = [name for name in offered if name in ALGORITHMS]
        if not accepted:
            log.error("the provider offers no accepted signature algorithm, only %s", ", ".join(map(str, offered)))
            raise SignInFailed(_("The provider does not sign ID tokens safely. Please contact an administrator."))
        metadata["id_token_signing_alg_values_supported"] = accepted
        return cast("dict[str, Any]", metadata)

    def _call(self, request: Any) -> Any:
        """Call the provider; errors become messages for people, their details go to the log."""
        try:
            return request()
        except RequestException as error:
            log.error("the OpenID provider is unavailable: %s", error)
            raise ProviderAway(_unavailable(self.settings)) from None
        except (AuthlibBaseError, JoseError, ValueError, KeyError) as error:
            # Quoted and cut, since the callback's URL may be part of it: nobody may forge log lines.
            log.warning("signing in failed: %s: %.300r", type(error).__name__, str(error))
            raise SignInFailed(_reason(error)) from None


def _check_issuer(metadata: Mapping[str, Any]) -> None:
    """Check that the callback comes from our provider (RFC 9207), not from another one by mix-up.

    :raises SignInFailed: if its issuer is another one, or is missing although the provider sends it.
    """
    issuer = request.args.get("iss")
    if issuer is None and not metadata.get("authorization_response_iss_parameter_supported"):
        return
    if issuer != metadata["issuer"]:
        log.warning("signing in failed: the callback names the issuer %.300r", issuer)
        raise SignInFailed(_(_DAMAGED))


def _unavailable(settings: Settings) -> str:
    return _(
        "The sign-in provider %(provider)s is not responding. Your account is not affected: try "
        "again in a few minutes. Public pages remain available.",
    ) % {"provider": settings.oidc_issuer}


def _reason(error: Exception) -> str:
    name = getattr(error, "error", "")
    if name in ("access_denied", "consent_required", "interaction_required", "login_required"):
        return _("You did not allow this site to see your identity, so you are not signed in. Nothing was changed.")
    # joserfc has one exception for all claims; only its text tells which of them concern time.
    early = isinstance(error, InvalidClaimError) and any(word in str(error) for word in _EARLY)
    if early or isinstance(error, ExpiredTokenError):
        return _(
            "The provider's response is not valid at this time. If this happens again, the "
            "clocks of this server and of the provider differ: please contact an administrator."
        )
    return _(_DAMAGED)
