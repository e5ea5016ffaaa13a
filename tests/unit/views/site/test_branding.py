"""An instance has its own name, logo, colours and links by settings alone."""

import io
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from PIL import Image

from hubs.app import create_app
from hubs.models import Database
from hubs.settings import load
from hubs.settings.colours import DARK, LIGHT, contrast, mixed, readable_on
from hubs.views.site.branding import style_sheet
from tests.unit.views.conftest import BASE, close

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def _instance(database: Database, folder: Path, **settings: str) -> FlaskClient:
    names = {f"HUBS_{name.upper()}": value for name, value in settings.items()}
    app = create_app(load({**BASE, "HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(folder), **names}))
    close(app)
    return app.test_client()


def test_pages_show_the_instance_of_the_settings(database: Database, tmp_path: Path) -> None:
    logo = tmp_path / "otter.svg"
    logo.write_text(SVG)
    client = _instance(
        database,
        tmp_path,
        site_name="Otter Hubs",
        site_description="Where otters <meet>.",
        site_logo=str(logo),
        site_accent="#7a1020",
        footer_links="Privacy & terms=https://otters.example.org/privacy?a=1,Contact=mailto:otters@example.org",
    )
    page = client.get("/").get_data(as_text=True)
    assert "Fedora" not in page
    assert "<title>Otter Hubs</title>" in page
    assert 'content="Where otters &lt;meet&gt;."' in page
    assert '<a href="https://otters.example.org/privacy?a=1">Privacy &amp; terms</a>' in page
    assert '<a href="mailto:otters@example.org">Contact</a>' in page
    assert '<img class="logo" src="/logo" alt="">' in page
    assert "/site.css?v=" in page
    assert client.get("/manifest.webmanifest").json["name"] == "Otter Hubs"
    assert "--accent: #7a1020" in client.get("/site.css").get_data(as_text=True)
    # Error pages belong to the instance as well.
    assert '<a href="mailto:otters@example.org">' in client.get("/nothing").get_data(as_text=True)


def test_an_svg_logo_cannot_run_scripts(database: Database, tmp_path: Path) -> None:
    logo = tmp_path / "otter.svg"
    logo.write_text(SVG)
    answer = _instance(database, tmp_path, site_logo=str(logo)).get("/logo")
    assert answer.mimetype == "image/svg+xml"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policies = answer.headers.getlist("Content-Security-Policy")
    assert any("sandbox" in policy and "default-src 'none'" in policy for policy in policies)


def test_a_png_logo_becomes_the_icons(database: Database, tmp_path: Path) -> None:
    logo = tmp_path / "otter.png"
    Image.new("RGB", (300, 100), "#7a1020").save(logo)
    client = _instance(database, tmp_path, site_logo=str(logo))
    icon = Image.open(io.BytesIO(client.get("/icon-192.png").data)).convert("RGBA")
    assert icon.size == (192, 192)
    assert icon.getpixel((96, 96)) == (0x7A, 0x10, 0x20, 255)
    assert icon.getpixel((96, 5))[3] == 0
    assert Image.open(io.BytesIO(client.get("/favicon.ico").data)).format == "ICO"


def test_without_a_logo_there_is_no_file(client: FlaskClient) -> None:
    assert client.get("/logo").status_code == 404


@pytest.mark.parametrize("accent", ["#7a1020", "#2554c7", "#0b7643", "#000000"])
def test_the_accent_colour_can_be_read_in_both_themes(accent: str) -> None:
    sheet = style_sheet(load({"HUBS_SITE_ACCENT": accent}))
    assert f"--accent-text: {readable_on(DARK, accent)}" in sheet
    assert contrast(readable_on(DARK, accent), DARK) >= 4.5
    assert contrast(accent, LIGHT) >= 4.5
    # The darker shade under the pointer still carries white text.
    assert contrast(mixed(accent, "#000000", 0.8), LIGHT) >= 4.5


def test_a_dark_accent_of_the_settings_applies_to_the_dark_theme() -> None:
    sheet = style_sheet(load({"HUBS_SITE_ACCENT": "#7a1020", "HUBS_SITE_ACCENT_DARK": "#FFAABB"}))
    assert '[data-theme="dark"], [data-bs-theme="dark"] { --accent: #7a1020' in sheet
    assert "--accent-text: #ffaabb" in sheet
    assert style_sheet(load({})) == ""
