"""JSON documents, and parts of them by a path."""

from typing import Any

import pytest

from hubs.clients.documents import Documents, pick, shown
from hubs.clients.http.client import HTTP
from hubs.errors import UpstreamForbidden, UpstreamUnexpected
from hubs.parameters.addresses import TypedAddress
from tests.upstream import Upstream


def test_a_json_document_is_read_and_any_other_body_is_a_clear_error(upstream: Upstream, local_http: HTTP) -> None:
    documents = Documents(local_http)
    upstream.on("/x", {"a": [1]})
    upstream.on("/y", "<html>")
    assert documents.read(TypedAddress(f"{upstream.url}/x")) == {"a": [1]}
    with pytest.raises(UpstreamUnexpected):
        documents.read(TypedAddress(f"{upstream.url}/y"))


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("a.b", 1),
        ("a.b.c", None),
        ("x.y.z.w", 3),
        ("x.y", {"z.w": 3}),
        ("a.c", 2),
        ("list.0.v1.0", "new"),
        ("x.z", None),
    ],
)
def test_a_field_whose_name_contains_dots_is_selected(path: str, part: Any) -> None:
    document = {"a.b": 1, "a": {"b": 0, "c": 2}, "x": {"y": {"z.w": 3}}, "list": [{"v1.0": "new"}]}
    assert pick(document, path) == part


def test_private_addresses_are_refused(upstream: Upstream, http: HTTP) -> None:
    with pytest.raises(UpstreamForbidden):
        Documents(http).read(TypedAddress(f"{upstream.url}/x"))


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("", {"a": [{"b": 1}], "c": None}),
        ("a.0.b", 1),
        (".a.0.", {"b": 1}),
        ("a.1", None),
        ("a.-1", None),
        ("a.x", None),
        ("a.0.b.c", None),
        ("a.²", None),
        ("c", None),
        ("__class__", None),
        (".".join(["a"] * 1000), None),
    ],
)
def test_a_path_selects_a_part_or_nothing(path: str, part: Any) -> None:
    assert pick({"a": [{"b": 1}], "c": None}, path) == part


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "✓"),
        (False, "–"),
        (1.5, "1.5"),
        ("a\nb", "a b"),
        (["a", 1], "a, 1"),
        ([], "[0]"),
        ([{}] * 3, "[3]"),
        (["x"] * 11, "[11]"),
        ({"a": 1}, "{1}"),
    ],
)
def test_every_value_has_a_short_text(value: Any, text: str) -> None:
    assert shown(value) == text


def test_long_texts_are_cut() -> None:
    assert len(shown("x" * 9999)) == 300
