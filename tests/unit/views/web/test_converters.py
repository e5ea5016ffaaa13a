"""Numbers in addresses that no row can have."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import IntegerConverter

from hubs.models import Hub
from hubs.views.web.converters import LARGEST, row_number


@pytest.mark.parametrize("number", [LARGEST, LARGEST + 1, 10**30])
@pytest.mark.parametrize("path", ["/w/{}/", "/w/{}/fragment", "/w/{}/json", "/api/v1/widgets/{}"])
def test_an_address_with_a_number_that_no_row_has_does_not_exist(
    client: FlaskClient, otters: Hub, path: str, number: int
) -> None:
    assert client.get(path.format(number)).status_code == 404


def test_every_number_in_an_address_is_one_that_the_database_can_hold(app: Flask) -> None:
    found = [
        (rule.rule, converter.max)
        for rule in app.url_map.iter_rules()
        for converter in rule._converters.values()
        if isinstance(converter, IntegerConverter)
    ]
    assert len(found) > 10
    assert [rule for rule, most in found if most is None or most > LARGEST] == []


@pytest.mark.parametrize("number", ["-1", str(LARGEST + 1), "9" * 30, "x", ""])
def test_a_number_in_a_form_that_no_row_has_is_as_if_it_were_not_there(number: str) -> None:
    with pytest.raises(ValueError, match=r"row|invalid"):
        row_number(number)


def test_a_page_of_history_before_an_impossible_number_is_the_first(client: FlaskClient, otters: Hub) -> None:
    assert client.get(f"/t/otters/history?before={10**30}").status_code != 500
