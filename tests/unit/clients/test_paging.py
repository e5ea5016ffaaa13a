"""Lists in pages: a limited number is read, further pages add their records, and no record is shown twice."""

import pytest

from hubs.clients.http.client import HTTP
from hubs.demo.services import variants
from hubs.errors import UpstreamError
from tests.unit.clients.test_contracts import CASES, every_case, patient, serve, server  # noqa: F401 - two fixtures
from tests.upstream import Asked, Reply, Upstream

#: Clients that read further pages. All others ask for one page of enough records.
PAGED = ("bodhi", "discourse", "weblate component")
#: Most requests for one list.
MOST = 5


@every_case
def test_a_list_without_an_end_is_read_up_to_a_limit_and_its_records_once(
    server: Upstream,  # noqa: F811
    patient: HTTP,  # noqa: F811
    name: str,
) -> None:
    case = CASES[name]
    serve(server, case, case.replies(variants.endless))
    before = len(server.asked)
    assert len(case.call(patient, server.url)) == case.entries
    asked = server.asked[before:]
    assert (len({str(request.params.get("page")) for request in asked}) > 1) == (name in PAGED)
    assert len(asked) <= MOST * len(case.answers)


@pytest.mark.parametrize("name", PAGED)
def test_a_page_that_fails_is_an_error_in_words(server: Upstream, patient: HTTP, name: str) -> None:  # noqa: F811
    case, asked = CASES[name], list[str]()
    replies = case.replies(variants.endless)

    def reply(request: Asked) -> Reply:
        asked.append(request.path)
        return replies[request.path] if len(asked) == 1 else Reply("", 500)

    for path in case.answers:
        server.on(path, reply)
    with pytest.raises(UpstreamError, match=r"reported an error \(500\)"):
        case.call(patient, server.url)
