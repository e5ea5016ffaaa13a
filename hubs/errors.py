"""All errors that Hubs raises deliberately; each message says what happened and what to do about it."""


class HubsError(Exception):
    """Base of all errors whose message is written for people.

    ``status`` is the HTTP status of the response if no view handles the error.
    """

    status = 500


class BadSetting(HubsError):
    """A setting has an unknown name or a bad value; the process must not start."""


class InvalidInput(HubsError):
    """Input of a person or a program is invalid.

    ``fields`` maps the name of a field to the error message shown beside it.
    """

    status = 400

    def __init__(self, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or {}


class SignInFailed(HubsError):
    """The person could not be signed in at the provider."""

    status = 403


class ProviderAway(HubsError):
    """The OpenID provider does not answer."""

    status = 503


class NotAllowed(HubsError):
    """The person may not do this."""

    status = 403


class NotFound(HubsError):
    """There is no such hub, person or widget, or it is hidden from this person."""

    status = 404


class Conflict(HubsError):
    """The object was changed in the meantime, or the change would violate an invariant."""

    status = 409


class Unavailable(HubsError):
    """The request cannot be served at present, but can be retried later."""

    status = 503


class Unauthorized(HubsError):
    """A request has no token, or one that is no longer valid."""

    status = 401


class TooLarge(HubsError):
    """The request is larger than the limit."""

    status = 413


class PreconditionFailed(HubsError):
    """The current content differs from what the client expected to replace."""

    status = 412


class TooManyRequests(HubsError):
    """A rate limit is exceeded; ``retry_after`` is the number of seconds to wait."""

    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BadMessage(HubsError):
    """Data from the bus is not a usable message."""


class RefusedDelivery(HubsError):
    """A webhook's delivery cannot be used; the message is marked for translation and translated where it is shown."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NeedsSetup(HubsError):
    """A widget lacks a required setting; ``detail`` is shown only to people who may change it."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class UpstreamError(HubsError):
    """A request to an upstream service failed.

    ``kind`` is one of ``unreachable``, ``refused``, ``too-large``, ``unexpected``, ``missing``, ``forbidden``.
    ``retry_after`` is the number of seconds to wait before the next attempt, None if unknown.
    """

    status = 502
    kind = "unreachable"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UpstreamUnreachable(UpstreamError):
    """The service does not answer, or answers with a server error."""


class UpstreamRefused(UpstreamError):
    """The service refuses the request: it requires a token, or its rate limit is exceeded."""

    kind = "refused"


class UpstreamTooLarge(UpstreamError):
    """The response is larger than the limit."""

    kind = "too-large"


class UpstreamUnexpected(UpstreamError):
    """The response does not have the documented form."""

    kind = "unexpected"


class UpstreamMissing(UpstreamError):
    """The service answered that the object does not exist."""

    kind = "missing"


class UpstreamForbidden(UpstreamError):
    """The address is not allowed: it is not a public web server."""

    kind = "forbidden"
