"""The appearance of a hub: colours and avatar everywhere, with enough contrast."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions.layout import yaml_files
from hubs.models import Banner, Hub, HubIcon
from hubs.views.site.cards import card_of
from hubs.widgets.view import HUES, colour_hue
from tests.unit.views.conftest import post, sign_in

APPEARANCE = "/t/otters/settings/appearance"
PAIR = re.compile(r"--hue-([\w-]+): light-dark\((#\w{6}), (#\w{6})\)")
#: Contrast that text needs at least (WCAG 2.2, 1.4.3).
NEEDED = 4.5


def text(client: FlaskClient, path: str) -> str:
    return client.get(path).get_data(as_text=True)


def change(client: FlaskClient, **fields: str) -> int:
    values = {"banner": "", "avatar": "", "left_width": "8", **fields}
    return post(client, APPEARANCE, **values).status_code


def test_a_hub_is_shown_in_its_colours_and_with_its_sign_everywhere(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "owner")
    assert change(client, banner="plum", avatar="🦦") == 303
    page = text(client, "/t/otters/")
    assert '<div class="banner" data-hue="plum"' in page
    for path in ("/t/otters/", "/teams/", "/", "/search?q=otters"):
        picture = re.search(r'<span class="emblem" data-size="\d+" data-hue="plum".*?</span>', text(client, path))
        assert picture, path
        assert ">🦦</span>" in picture[0]
    assert re.search(r'value="plum" checked', text(client, "/t/otters/settings"))
    assert change(client) == 303
    assert 'data-hue="plum"' not in text(client, "/t/otters/")


def test_a_team_is_shown_with_its_icon_everywhere(
    app: Flask, client: FlaskClient, session: Session, otters: Hub
) -> None:
    symbols = set(re.findall(r'<symbol id="([\w-]+)"', (Path(app.static_folder or "") / "icons.svg").read_text()))
    assert {icon.value for icon in HubIcon} - symbols == {""}
    sign_in(client, "owner")
    assert change(client, avatar="OT", icon="rocket") == 303
    for path in ("/t/otters/", "/teams/", "/", "/search?q=otters", "/me/bookmarks"):
        emblem = re.search(r'<span class="emblem"[^>]*>(.*?)</span>', text(client, path))
        assert emblem, path
        assert emblem[1].endswith('#rocket"/></svg>'), path
    settings = text(client, "/t/otters/settings")
    assert re.search(
        r'name="icon" value="rocket" checked>.*?#rocket"/></svg></span>\s*<span>Rocket</span>', settings, re.S
    )
    assert yaml_files.parse(text(client, "/t/otters/settings/file"), "otters.yaml").icon == "rocket"
    assert client.get("/api/v1/hubs/t/otters").json["icon"] == "rocket"
    assert change(client, icon="skull") == 400
    # The person's hub has their picture; the card of a link has letters.
    assert 'name="icon"' not in text(client, "/u/owner/settings")
    with app.app_context():
        session.refresh(otters)
        assert card_of(otters).letters == "OT"
    assert change(client, avatar="OT", icon="") == 303
    assert ">OT</span>" in text(client, "/t/otters/")


def test_invalid_appearance_is_reported_beside_its_field(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    answer = post(client, APPEARANCE, banner="pink", avatar="<b>", left_width="8")
    assert answer.status_code == 400
    page = answer.get_data(as_text=True)
    assert 'id="e-banner"' in page
    assert 'id="e-avatar"' in page
    session.refresh(otters)
    assert (otters.banner, otters.avatar) == ("", "")


@pytest.mark.parametrize(("who", "status"), [("owner", 303), ("member", 403), ("stranger", 403)])
def test_only_owners_change_the_appearance(
    client: FlaskClient, session: Session, otters: Hub, who: str, status: int
) -> None:
    sign_in(client, who)
    assert change(client, banner="red") == status
    session.refresh(otters)
    assert (otters.banner == "red") is (who == "owner")


def test_the_appearance_is_exported_recorded_and_restored(
    app: Flask, client: FlaskClient, session: Session, otters: Hub
) -> None:
    sign_in(client, "owner")
    change(client, banner="teal", avatar="OT")
    change(client, banner="slate", avatar="O")
    kept = yaml_files.parse(text(client, "/t/otters/settings/file"), "otters.yaml")
    assert (kept.banner, kept.avatar) == ("slate", "O")
    history = text(client, "/t/otters/history")
    assert "Teal" in history
    number = re.findall(r'name="number" value="(\d+)"', history)[0]
    assert post(client, "/t/otters/history", number=number).status_code == 303
    session.refresh(otters)
    assert (otters.banner, otters.avatar) == ("teal", "OT")


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_in_each_hue_has_enough_contrast_in_light_and_dark(app: Flask) -> None:
    styles = (Path(app.static_folder or "") / "css" / "tokens.css").read_text()
    cards = re.search(r"--card: light-dark\((#\w+), (#\w+)\)", styles)
    assert cards
    hues = {*filter(None, map(colour_hue, Banner)), "slate"}
    assert set(HUES) <= hues
    for name in hues:
        block = styles.partition(f'[data-hue="{name}"] {{')[2].partition("}")[0]
        values = {key: (light, dark) for key, light, dark in PAIR.findall(block)}
        for scheme in (0, 1):
            for stop in ("banner", "banner-2"):
                assert contrast(values[stop][scheme], "#ffffff") >= NEEDED, (name, stop)
            for ground in (cards[scheme + 1], values["tint"][scheme], values["tint-2"][scheme]):
                assert contrast(values["text"][scheme], ground) >= NEEDED, (name, ground)
