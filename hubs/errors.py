"""Every error that Hubs raises on purpose; each message says what happened and what to do about it."""


class HubsError(Exception):
    """Base of all errors that people may read.

    ``status`` is the HTTP status that the web answers with when nobody handles the error before.
    """

    status = 500


class BadSetting(HubsError):
    """A setting has an unknown name or an unusable value; the process must not start."""


class InvalidInput(HubsError):
    """What a person or a program sent cannot be accepted.

    ``fields`` maps a field's name to the sentence that belongs beside that field.
    """

    status = 400

    def __init__(self, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or {}


class SignInFailed(HubsError):
    """The person could not be signed in at the provider."""

    status = 403


class ProviderAway(HubsError):
    """The provider at which people sign in does not answer."""

    status = 503


class NotAllowed(HubsError):
    """The person may not do this."""

    status = 403


class NotFound(HubsError):
    """There is no such hub, person or widget (or none that this person may know of)."""

    status = 404


class Conflict(HubsError):
    """The thing changed in the meantime, or the change would break a rule that always holds."""

    status = 409


class Unavailable(HubsError):
    """What was asked for cannot be made just now; later it can."""

    status = 503


class Unauthorized(HubsError):
    """A machine sent no token, or one that is not good any more."""

    status = 401


class TooLarge(HubsError):
    """What was sent is larger than we take."""

    status = 413


class PreconditionFailed(HubsError):
    """What is there is not what the sender expected to replace."""

    status = 412


class TooManyRequests(HubsError):
    """Somebody asks too often; ``retry_after`` are the seconds to wait."""

    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BadMessage(HubsError):
    """What came from the bus is not a usable message."""


class RefusedDelivery(HubsError):
    """A webhook's delivery cannot be used; the message is marked for translation and translated where it is shown."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NeedsSetup(HubsError):
    """A widget lacks a setting without which it has nothing to show; ``detail`` is for those who may change it."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class UpstreamError(HubsError):
    """Another service did not give what we asked for; the message says so to people.

    ``kind`` is one of ``unreachable``, ``refused``, ``too-large``, ``unexpected``, ``missing``, ``forbidden``.
    ``retry_after`` is the number of seconds after which it makes sense to ask again, None where nobody knows.
    """

    status = 502
    kind = "unreachable"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UpstreamUnreachable(UpstreamError):
    """The service does not answer, or only with an error of its own."""


class UpstreamRefused(UpstreamError):
    """The service does not want to answer us: it wants a token, or it is asked too often."""

    kind = "refused"


class UpstreamTooLarge(UpstreamError):
    """The answer is larger than we read."""

    kind = "too-large"


class UpstreamUnexpected(UpstreamError):
    """The answer is not what the service's documentation says."""

    kind = "unexpected"


class UpstreamMissing(UpstreamError):
    """The service knows no such thing."""

    kind = "missing"


class UpstreamForbidden(UpstreamError):
    """We do not read from that address: it is no public web server."""

    kind = "forbidden"
