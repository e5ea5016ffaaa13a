"""Numbers in addresses that no row can have."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import IntegerConverter

from hubs.models import Hub
from hubs.views.web.converters import LARGEST, row_number


@pytest.mark.parametrize("number", [LARGEST, LARGEST + 1, 10**30])
@pytest.mark.parametrize("path", ["/w/{}/", "/w/{}/fragment", "/w/{}/json", "/api/v1/widgets/{}"])
def test_too_large_numbers_in_urls_are_not_found(client: FlaskClient, otters: Hub, path: str, number: int) -> None:
    assert client.get(path.format(number)).status_code == 404


def test_every_number_in_a_url_fits_the_database(app: Flask) -> None:
    maxima = [
        (rule.rule, converter.max)
        for rule in app.url_map.iter_rules()
        for converter in rule._converters.values()
        if isinstance(converter, IntegerConverter)
    ]
    assert len(maxima) > 10
    assert [rule for rule, most in maxima if most is None or most > LARGEST] == []


@pytest.mark.parametrize("number", ["-1", str(LARGEST + 1), "9" * 30, "x", ""])
def test_too_large_numbers_in_forms_are_ignored(number: str) -> None:
    with pytest.raises(ValueError, match=r"row|invalid"):
        row_number(number)


def test_a_page_of_history_before_an_impossible_number_is_the_first(client: FlaskClient, otters: Hub) -> None:
    assert client.get(f"/t/otters/history?before={10**30}").status_code != 500
