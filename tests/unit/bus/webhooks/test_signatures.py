"""Signatures: the services' own documented examples, and whatever must not pass."""

from dataclasses import replace

import pytest

from hubs.bus.webhooks import BY_KEY, HookRequest
from hubs.bus.webhooks.signatures import REPLAY_WINDOW, body_hmac, sign, standard
from hubs.errors import RefusedDelivery
from tests.unit.bus.webhooks import samples
from tests.unit.bus.webhooks.samples import NOW, SAMPLE_IDS, SAMPLES, SECRET, Sample

OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
each_service = pytest.mark.parametrize("sample", SAMPLES, ids=SAMPLE_IDS)
TIMED = [sample for sample in SAMPLES if sample.service in ("weblate", "standard")]


def refusal(sample: Sample, request: HookRequest, *secrets: str, now: float = NOW) -> RefusedDelivery:
    with pytest.raises(RefusedDelivery) as caught:
        BY_KEY[sample.service].verify(request, secrets or (SECRET,), now)
    return caught.value


def test_the_example_in_githubs_documentation_is_accepted() -> None:
    verify = body_hmac(("x-hub-signature-256",), ("x-github-delivery",))
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    request = HookRequest({"x-hub-signature-256": signature, "x-github-delivery": "7"}, b"Hello, World!")
    assert verify(request, ("It's a Secret to Everybody",), NOW).delivery_id == "7"


def test_the_example_in_the_specification_of_standard_webhooks_is_accepted() -> None:
    content = b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}'
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(content, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") == signature
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": f"v2,AAAA {signature} v1,BBBB",
    }
    request = HookRequest(headers, b'{"test": 2432232314}')
    proof = standard(request, ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",), 1614265330.0)
    assert proof.covers_id


@each_service
def test_a_signed_delivery_is_accepted_with_the_current_or_the_former_secret(sample: Sample) -> None:
    verify = BY_KEY[sample.service].verify
    proof = verify(sample.request(number="d-1"), (SECRET,), NOW)
    assert proof.delivery_id == ("d-1" if sample.service != "cloudevents" else "")
    assert verify(sample.request(number="d-1"), (OTHER, SECRET), NOW) == proof


@each_service
def test_a_delivery_with_another_secret_is_refused(sample: Sample) -> None:
    error = refusal(sample, sample.request(secret=OTHER))
    assert error.status == 401
    assert "does not match" in str(error)


@each_service
def test_a_delivery_without_a_signature_is_refused(sample: Sample) -> None:
    request = sample.request()
    names = ("signature", "token", "authorization")
    headers = {name: value for name, value in request.headers.items() if not name.endswith(names)}
    headers = {name: value for name, value in headers.items() if not name.startswith("x-hub-")}
    error = refusal(sample, replace(request, headers=headers))
    assert error.status == 401
    assert "not signed" in str(error)


@pytest.mark.parametrize("service", ["forgejo", "gitea", "github", "discourse", "weblate", "standard"])
def test_a_changed_body_is_refused(service: str) -> None:
    sample = next(sample for sample in SAMPLES if sample.service == service)
    request = sample.request()
    assert refusal(sample, replace(request, body=request.body + b" ")).status == 401


@pytest.mark.parametrize("sample", TIMED, ids=lambda sample: sample.service)
@pytest.mark.parametrize("seconds", [REPLAY_WINDOW + 2, -REPLAY_WINDOW - 2])
def test_a_delivery_signed_long_ago_or_in_the_future_is_refused(sample: Sample, seconds: int) -> None:
    error = refusal(sample, sample.request(), now=NOW + seconds)
    assert error.status == 401
    assert "five minutes" in str(error)
    assert BY_KEY[sample.service].verify(sample.request(), (SECRET,), NOW + REPLAY_WINDOW - 2)


@pytest.mark.parametrize("sent", ["yesterday", "nan", "inf", "1e999"])
def test_a_time_that_is_none_is_refused(sent: str) -> None:
    sample = TIMED[1]
    request = sample.request()
    assert refusal(sample, replace(request, headers={**request.headers, "webhook-timestamp": sent})).status == 401


def test_a_later_time_than_the_signed_one_is_refused() -> None:
    sample = TIMED[1]
    request = sample.request()
    headers = {**request.headers, "webhook-timestamp": str(int(NOW) + 600)}
    assert "does not match" in str(refusal(sample, replace(request, headers=headers), now=NOW + 600))


def test_gitlabs_signature_is_checked_where_there_is_one() -> None:
    sample = next(sample for sample in SAMPLES if sample.service == "gitlab")
    request = sample.request()
    signed = samples.standard(request.body, SECRET, NOW, "m-1")
    both = replace(request, headers={**request.headers, **signed})
    assert BY_KEY["gitlab"].verify(both, (SECRET,), NOW).delivery_id == "m-1"
    forged = replace(both, body=request.body + b" ")
    assert refusal(sample, forged).status == 401  # though the token beside it is right


def test_a_good_signature_in_an_older_header_does_not_rescue_a_bad_one() -> None:
    sample = SAMPLES[0]
    request = sample.request()
    assert refusal(sample, replace(request, headers={**request.headers, "x-forgejo-signature": "0" * 64}))


def test_signatures_with_characters_beyond_ascii_are_refused_like_others() -> None:
    for sample in SAMPLES[:3]:
        request = sample.request()
        names = [name for name in request.headers if "signature" in name]
        headers = {**request.headers, **dict.fromkeys(names, "ü" * 64)}
        assert refusal(sample, replace(request, headers=headers)).status == 401
