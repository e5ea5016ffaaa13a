"""What the head of a page says to search engines, browsers and previews of links."""

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from lxml import html as parser
from PIL import Image
from sqlalchemy.orm import Session

from hubs import urls
from hubs.models import Hub, Page, User, Visibility
from hubs.settings.colours import DARK, LIGHT
from hubs.views.site import discovery
from hubs.views.web.head import head_context
from tests.unit.views.conftest import sign_in


def _head(client: FlaskClient, path: str) -> dict[str, str]:
    """Return the contents of a page's meta elements by name, and the addresses of its links by relation."""
    tree = parser.fromstring(client.get(path).get_data(as_text=True))
    metas = {
        name: element.get("content", "")
        for element in tree.iterfind(".//meta")
        if (name := element.get("name") or element.get("property"))
    }
    return metas | {element.get("rel", ""): element.get("href", "") for element in tree.iterfind(".//link")}


def test_a_public_hub_describes_itself_with_a_card(client: FlaskClient, session: Session, otters: Hub) -> None:
    otters.display_name, otters.summary = 'Sea "otters" & co', "We <count> otters."
    session.commit()
    head = _head(client, "/t/otters/")
    assert head["description"] == head["og:description"] == "We <count> otters."
    assert head["og:title"].startswith('Sea "otters" & co')
    assert head["canonical"] == head["og:url"] == "http://127.0.0.1/t/otters/"
    assert head["og:image"] == "http://127.0.0.1/t/otters/card.png"
    assert "robots" not in head


def test_a_hidden_hub_has_no_card_and_is_not_indexed(client: FlaskClient, session: Session, otters: Hub) -> None:
    otters.visibility = Visibility.MEMBERS
    session.commit()
    head = _head(sign_in(client, "member"), "/t/otters/")
    assert head["robots"] == "noindex"
    assert not [name for name in head if name.startswith("og:")]


def test_every_page_has_a_description_icons_and_a_manifest(client: FlaskClient, otters: Hub) -> None:
    for path in ("/", "/teams/", "/people/", "/t/otters/members", "/search", "/login"):
        head = _head(client, path)
        assert head["robots" if path in ("/search", "/login") else "canonical"], path
        assert head["description"], path
        for relation in ("icon", "apple-touch-icon", "manifest", "search"):
            with client.get(head[relation]) as answer:
                assert answer.status_code == 200, (path, relation)


def test_error_pages_have_no_address(client: FlaskClient) -> None:
    head = _head(client, "/t/nothing-here/")
    assert head["robots"] == "noindex"
    assert "canonical" not in head


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/teams/?page=2&sort=name", "/teams/?page=2"),
        ("/teams/?sort=name", "/teams/"),
        ("/teams/?page=otter", "/teams/"),
        ("/t/ö%22/", "/t/%C3%B6%22/"),
    ],
)
def test_the_address_leaves_out_all_of_the_query_but_the_page(app: Flask, path: str, address: str) -> None:
    with app.test_request_context(path):
        assert head_context()["page_address"] == "http://127.0.0.1" + address


def test_the_bar_of_browsers_has_the_colours_of_the_cards(client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    assert re.findall(r'name="theme-color" content="(\S+)"', page) == [LIGHT, DARK]


def test_the_card_is_a_picture_of_the_size_that_previews_expect(client: FlaskClient, otters: Hub) -> None:
    answer = client.get(urls.hub_card("team", "otters"))
    assert answer.mimetype == "image/png"
    assert Image.open(io.BytesIO(answer.data)).size == (1200, 630)
    again = client.get(urls.hub_card("team", "otters"), headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_card_changes_with_the_hub(client: FlaskClient, session: Session, otters: Hub) -> None:
    before = client.get("/t/otters/card.png").data
    otters.summary = "Something else."
    session.commit()
    assert client.get("/t/otters/card.png").data != before


@pytest.mark.parametrize("visibility", [Visibility.SIGNED_IN, Visibility.MEMBERS, Visibility.OWNERS])
def test_the_card_of_a_hidden_hub_is_missing_even_for_its_owner(
    client: FlaskClient, session: Session, otters: Hub, visibility: Visibility
) -> None:
    otters.visibility = visibility
    session.commit()
    sign_in(client, "owner").get("/")  # shows the welcome
    hidden, missing = client.get("/t/otters/card.png"), client.get("/t/badgers/card.png")
    assert hidden.status_code == missing.status_code == 404
    token = re.compile(r'(?<=value=")[\w.-]{60,}(?=")')
    texts = [token.sub("", answer.get_data(as_text=True)) for answer in (hidden, missing)]
    assert texts[0].replace("otters", "badgers") == texts[1]


def _locations(client: FlaskClient, path: str) -> list[str]:
    return [str(node.text) for node in etree.fromstring(client.get(path).data).iter("{*}loc")]


def test_the_sitemap_names_public_hubs_only(client: FlaskClient, session: Session, otters: Hub) -> None:
    session.add(Hub(name="secret", visibility=Visibility.SIGNED_IN))
    shy = User(username="shy", unlisted=True)
    session.add_all([shy, Hub(kind="user", name="shy", user=shy)])
    session.commit()
    assert _locations(client, "/sitemap.xml") == ["http://127.0.0.1/sitemap-1.xml"]
    addresses = _locations(sign_in(client, "owner"), "/sitemap-1.xml")
    assert "http://127.0.0.1/t/otters/" in addresses
    assert not [address for address in addresses if "secret" in address or "shy" in address]


def test_the_sitemap_names_further_pages_that_everybody_can_see(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    hidden = Hub(name="secret", visibility=Visibility.MEMBERS)
    pages = [("plans", otters, "public"), ("inside", otters, "members"), ("outside", hidden, "public")]
    rows = [Page(slug=slug, title=slug, hub=hub, visibility=Visibility(level)) for slug, hub, level in pages]
    session.add_all([hidden, *rows])
    session.commit()
    addresses = _locations(client, "/sitemap-1.xml")
    assert [address for address in addresses if "/p/" in address] == ["http://127.0.0.1/t/otters/p/plans/"]
    assert addresses.index("http://127.0.0.1/t/otters/p/plans/") == addresses.index("http://127.0.0.1/t/otters/") + 1


def test_the_sitemap_is_split(
    client: FlaskClient, session: Session, otters: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "PER_SITEMAP", 2)
    session.add_all([Hub(name=f"team-{number}") for number in range(4)])
    session.commit()
    files = _locations(client, "/sitemap.xml")
    assert len(files) > 2
    addresses = [address for file in files for address in _locations(client, file.removeprefix("http://127.0.0.1"))]
    assert len(addresses) == len(set(addresses))
    assert {f"http://127.0.0.1/t/team-{number}/" for number in range(4)} <= set(addresses)
    assert client.get(f"/sitemap-{len(files) + 1}.xml").status_code == 404
    assert client.get("/sitemap-0.xml").status_code == 404


def test_robots_name_the_sitemap_and_leave_out_personal_pages(client: FlaskClient) -> None:
    rules = client.get("/robots.txt").get_data(as_text=True)
    assert "Sitemap: http://127.0.0.1/sitemap.xml" in rules
    assert "Disallow: /me/" in rules


def test_the_manifest_makes_the_instance_installable(client: FlaskClient) -> None:
    manifest = client.get("/manifest.webmanifest")
    assert manifest.mimetype == "application/manifest+json"
    assert manifest.json["start_url"] == "/"
    assert manifest.json["display"] == "standalone"
    for icon in manifest.json["icons"]:
        picture = Image.open(io.BytesIO(client.get(icon["src"]).data))
        assert icon["sizes"] == f"{picture.width}x{picture.height}"
    assert {icon["purpose"] for icon in manifest.json["icons"]} == {"any", "maskable"}


def test_the_search_can_be_added_to_browsers(client: FlaskClient, otters: Hub) -> None:
    tree = etree.fromstring(client.get("/opensearch.xml").data)
    template = next(url.get("template") for url in tree.iter("{*}Url") if url.get("type") == "text/html")
    path = template.removeprefix("http://127.0.0.1").replace("{searchTerms}", "otters")
    assert "/t/otters/" in client.get(path).get_data(as_text=True)
