"""The status of a response: which error it means, and when the service may be asked again."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

from hubs.clients.http.response import Response, seconds_to_wait, unexpected
from hubs.errors import UpstreamMissing, UpstreamRefused, UpstreamUnreachable
from hubs.i18n import _

#: Prefixes of the headers that report a rate limit: GitHub's, and GitLab's. Both state the reset as a Unix time.
_PREFIXES = ("x-ratelimit-", "ratelimit-")
#: Longest pause in seconds that a rate limit can cause; GitHub's limits are per hour.
LONGEST = 3600.0


def used_up(response: Response) -> float | None:
    """Return in how many seconds a used-up rate limit is renewed, or None if that is not why it refused.

    GitHub answers 403 or 429 and ``X-RateLimit-Remaining: 0``.
    """
    if response.status not in (403, 429):
        return None
    for prefix in _PREFIXES:
        reset = response.headers.get(f"{prefix}reset", "")
        if response.headers.get(f"{prefix}remaining", "") == "0" and reset.isascii() and reset.isdigit():
            seconds = float(reset[:12]) - datetime.now(UTC).timestamp()
            return min(max(seconds, 1.0), LONGEST)
    return None


def retry_after(response: Response) -> float | None:
    """Return the ``Retry-After`` of a busy service in seconds; GitHub also sends it with 403."""
    if response.status not in (403, 429, 503) or "retry-after" not in response.headers:
        return None
    return seconds_to_wait(response.headers["retry-after"], datetime.now(UTC))


def limit_error(name: str, seconds: float) -> UpstreamRefused:
    """Return the error for a service whose rate limit is used up."""
    # Rounded up, so that the time is not too early.
    resumes = f"{datetime.now(UTC) + timedelta(seconds=seconds + 59):%H:%M}"
    text = _("We have used up the requests that {host} allows us; it continues at {time} UTC.")
    return UpstreamRefused(text.format(host=name, time=resumes), seconds)


def raise_for_status(response: Response) -> None:
    """Raise for every status other than 2xx."""
    status, name, wait, renewed = response.status, response.name, retry_after(response), used_up(response)
    if status in range(200, 300):
        return
    if status in (404, 410):
        raise UpstreamMissing(_("{host} returned “Not Found”.").format(host=name))
    if renewed is not None:
        raise limit_error(name, renewed)
    if status == 429 or (status == 403 and wait is not None):
        raise UpstreamRefused(_("{host} asked us to try again later.").format(host=name), wait or 60.0)
    if status in (401, 403, 407, 451):
        raise UpstreamRefused(_("{host} denied access.").format(host=name))
    if status >= 500:
        text = _("{host} reported an error ({status}).")
        raise UpstreamUnreachable(text.format(host=name, status=status), wait)
    raise unexpected(name)


def redirect_target(url: str, response: Response) -> str:
    """Return the target of a redirect."""
    try:
        return urljoin(url, response.headers["location"])
    except ValueError:
        raise unexpected(response.name) from None
