"""Widgets of public hubs inside pages of other sites: where owners allow it, and as visitors see them."""

import pytest
from flask.testing import FlaskClient
from lxml import html as parser
from sqlalchemy.orm import Session

from hubs.errors import InvalidInput
from hubs.models import Hub, Visibility, Widget
from hubs.models.hub_fields import MOST_SITES, clean_sites
from tests.unit.views.conftest import post, sign_in


@pytest.fixture
def row(session: Session, otters: Hub) -> Widget:
    """Give a public widget of a hub whose widgets one site may embed."""
    otters.extras["embed_on"] = "https://blog.example.org"
    session.commit()
    return next(row for row in otters.widgets if row.plugin == "rules")


def test_a_widget_is_a_page_that_the_named_site_may_embed(client: FlaskClient, row: Widget) -> None:
    answer = client.get(f"/embed/{row.id}")
    assert answer.status_code == 200
    (policy,) = answer.headers.getlist("Content-Security-Policy")
    assert policy.endswith("frame-ancestors https://blog.example.org")
    assert "script-src" not in policy
    assert "<script" not in answer.get_data(as_text=True)
    assert client.get("/t/otters/").headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    again = client.get(f"/embed/{row.id}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.usefixtures("every_catalogue")
def test_an_embedded_widget_has_the_direction_of_its_language(client: FlaskClient, row: Widget) -> None:
    assert '<html lang="ar" dir="rtl">' in client.get(f"/embed/{row.id}?lang=ar").get_data(as_text=True)
    assert '<html lang="fr" dir="ltr">' in client.get(f"/embed/{row.id}?lang=fr").get_data(as_text=True)


def test_an_embedded_widget_reads_and_sets_no_cookies(client: FlaskClient, session: Session, row: Widget) -> None:
    visitors = client.get(f"/embed/{row.id}").get_data(as_text=True)
    sign_in(client, "owner")
    with client.session_transaction() as cookie:
        cookie["seen"] -= 4000  # another page would refresh the time of the last visit now
    for path in (f"/embed/{row.id}", f"/oembed?url=http://127.0.0.1/w/{row.id}/", "/robots.txt", "/site.css"):
        answer = client.get(path)
        assert "Set-Cookie" not in answer.headers, path
    assert client.get(f"/embed/{row.id}").get_data(as_text=True) == visitors
    assert "Set-Cookie" in client.get("/teams/").headers


@pytest.mark.parametrize("hidden", ["hub", "widget", "setting", "archived hub's deletion"])
def test_widgets_hidden_from_visitors_are_not_embedded(
    client: FlaskClient, session: Session, otters: Hub, row: Widget, hidden: str
) -> None:
    if hidden == "hub":
        otters.visibility = Visibility.SIGNED_IN
    elif hidden == "widget":
        row.visibility = Visibility.MEMBERS
    elif hidden == "setting":
        otters.extras["embed_on"] = ""
    else:
        otters.deleted_on = otters.created_on
    session.commit()
    sign_in(client, "owner").get("/")
    for path in ("/embed/{}", "/oembed?url=http://127.0.0.1/w/{}/"):
        answer, missing = client.get(path.format(row.id)), client.get(path.format(9999))
        assert answer.status_code == missing.status_code == 404
        assert answer.data.replace(str(row.id).encode(), b"9999") == missing.data


def test_oembed_describes_the_frame(client: FlaskClient, row: Widget) -> None:
    answer = client.get("/oembed", query_string={"url": f"http://127.0.0.1/w/{row.id}/", "maxwidth": "300"})
    record = answer.json
    assert (record["version"], record["type"], record["width"], record["height"]) == ("1.0", "rich", 300, 400)
    frame = parser.fromstring(record["html"])
    assert frame.get("src") == f"http://127.0.0.1/embed/{row.id}"
    assert "allow-scripts" not in frame.get("sandbox")
    page = client.get(f"/w/{row.id}/").get_data(as_text=True)
    link = parser.fromstring(page).find(".//link[@type='application/json+oembed']")
    assert client.get(link.get("href").removeprefix("http://127.0.0.1")).json["title"] == record["title"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("url=http://127.0.0.1/w/{}/&format=xml", 501),
        ("url=https://elsewhere.example.org/w/{}/", 404),
        ("url=http://127.0.0.1/t/otters/", 404),
        ("url=http://[", 404),
        ("", 404),
    ],
)
def test_oembed_knows_pages_of_widgets_only(client: FlaskClient, row: Widget, query: str, status: int) -> None:
    assert client.get("/oembed?" + query.format(row.id)).status_code == status


def test_owners_get_the_html_to_embed(client: FlaskClient, session: Session, otters: Hub, row: Widget) -> None:
    assert "embed-code" not in client.get(f"/w/{row.id}/").get_data(as_text=True)
    assert "&lt;iframe src=" in sign_in(client, "owner").get(f"/w/{row.id}/").get_data(as_text=True)
    otters.extras["embed_on"] = ""
    session.commit()
    assert "embed-code" not in client.get(f"/w/{row.id}/").get_data(as_text=True)


def test_owners_set_the_sites_in_the_settings(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    fields = {"display_name": "", "visibility": "public", "embed_on": "https://b.example.org, https://A.example.org/"}
    assert post(client, "/t/otters/settings", **fields).status_code == 303
    session.expire_all()
    assert otters.extras["embed_on"] == "https://a.example.org https://b.example.org"
    answer = post(client, "/t/otters/settings", **{**fields, "embed_on": "https://a.example.org; script-src *"})
    assert answer.status_code == 400
    assert 'id="e-embed_on"' in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "value",
    [
        "blog.example.org",
        "http://blog.example.org",
        "https://blog.example.org/path",
        "https://user@blog.example.org",
        "'self'",
        "https:",
        "https://a.example.org;script-src",
        " ".join(f"https://site-{number}.example.org" for number in range(MOST_SITES + 1)),
    ],
)
def test_values_that_would_change_the_policy_are_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match=r"https://blog\.example\.org"):
        clean_sites(value)


def test_sites_are_normalised() -> None:
    assert clean_sites("https://*.example.org:8443\n http://localhost:3000") == (
        "http://localhost:3000 https://*.example.org:8443"
    )
    assert clean_sites("https://a.example.org *") == "*"
    assert clean_sites(None) == ""
