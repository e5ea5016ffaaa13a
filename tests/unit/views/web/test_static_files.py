"""Static files: kept for a year under an address that names their content, and compressed."""

import gzip
import os
import re
from pathlib import Path

import brotli
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from hubs import urls
from hubs.cli import cli
from hubs.urls import files, styles
from hubs.urls.files import STATIC
from hubs.urls.scripts import MODULES
from hubs.views.web.static_files import StaticFiles, write

HASH = "0123456789ab"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make addresses as an installed package does."""
    for module in (urls, files):
        monkeypatch.setattr(module, "static_version", lambda: HASH)


@pytest.fixture
def sheet(app: Flask) -> bytes:
    return (Path(app.static_folder or "") / "icons.svg").read_bytes()


def test_a_checkout_uses_plain_names_that_are_revalidated(client: FlaskClient) -> None:
    assert urls.static("icons.svg") == "/static/icons.svg"
    response = client.get("/static/icons.svg")
    assert "must-revalidate" in response.headers["Cache-Control"]
    again = client.get("/static/icons.svg", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_installed_files_are_kept_for_a_year(client: FlaskClient, sheet: bytes, installed: None) -> None:
    assert urls.static("icons.svg") == f"/static/v-{HASH}/icons.svg"
    response = client.get(urls.static("icons.svg"))
    assert response.data == sheet
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_an_address_from_before_an_upgrade_gets_the_present_file_and_is_not_kept(
    client: FlaskClient, sheet: bytes, installed: None
) -> None:
    response = client.get("/static/v-ffffffffffff/icons.svg")
    assert response.data == sheet
    assert "immutable" not in response.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("accepts", "coding"), [("br, gzip", "br"), ("gzip", "gzip"), ("", None), ("br;q=0, gzip;q=0", None)]
)
def test_the_best_coding_that_the_browser_accepts_is_sent(
    client: FlaskClient, sheet: bytes, accepts: str, coding: str | None
) -> None:
    response = client.get("/static/icons.svg", headers={"Accept-Encoding": accepts})
    assert response.headers.get("Content-Encoding") == coding
    decode = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[coding]
    assert decode(response.data) == sheet
    assert "Accept-Encoding" in response.headers["Vary"]
    assert response.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert (coding is None) == (len(response.data) == len(sheet))


def test_a_picture_is_not_compressed_again(tmp_path: Path) -> None:
    (tmp_path / "font.woff2").write_bytes(b"x" * 5000)
    (tmp_path / "tiny.css").write_text("a{}")
    files = StaticFiles(tmp_path)
    for name in ("font.woff2", "tiny.css"):
        file = files.get(name)
        assert file is not None
        assert file.codings == {}


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    sheet, files = tmp_path / "a.css", StaticFiles(tmp_path)
    sheet.write_text("a{}")
    first = files.get("a.css")
    sheet.write_text("b{}")
    second = files.get("a.css")
    assert first is not None
    assert second is not None
    assert (first.body, second.body) == (b"a{}", b"b{}")
    assert first.etag != second.etag


@pytest.mark.parametrize("path", ["../setup.py", "/etc/passwd", "js", "", "nothing.css", "js/../../urls.py"])
def test_nothing_outside_the_folder_is_served(client: FlaskClient, path: str) -> None:
    for prefix in ("/static/", f"/static/v-{HASH}/"):
        assert client.get(prefix + path, follow_redirects=True).status_code == 404


def test_the_version_follows_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    versions = [urls.hash_of_folder(tmp_path)]
    (tmp_path / "a").rename(tmp_path / "b")
    versions.append(urls.hash_of_folder(tmp_path))
    (tmp_path / "b").write_text("2")
    versions.append(urls.hash_of_folder(tmp_path))
    assert len(set(versions)) == 3
    assert urls.hash_of_folder(tmp_path) == versions[-1]


def test_the_command_writes_compressed_forms_for_another_server(tmp_path: Path, installed: None) -> None:
    result = CliRunner().invoke(cli, ["static", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert f"/static/v-{HASH}/" in result.output
    sheet = tmp_path / "out" / "icons.svg"
    assert brotli.decompress(sheet.with_name("icons.svg.br").read_bytes()) == sheet.read_bytes()
    assert gzip.decompress(sheet.with_name("icons.svg.gz").read_bytes()) == sheet.read_bytes()


def test_every_page_has_one_style_sheet(client: FlaskClient) -> None:
    page = client.get("/login").text
    assert re.findall(r'<link rel="stylesheet" href="([^"]+)">', page) == [urls.static(urls.STYLE_SHEET)]
    sheet = client.get(urls.static(urls.STYLE_SHEET))
    assert sheet.data == (STATIC / urls.MINIFIED_STYLE_SHEET).read_bytes()


def sheet_of(files: StaticFiles) -> bytes:
    sheet = files.get(urls.STYLE_SHEET)
    assert sheet is not None
    return sheet.body


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Return the parts of a style sheet, each with one rule."""
    (tmp_path / "css").mkdir()
    for number, part in enumerate(urls.STYLE_SHEET_PARTS):
        (tmp_path / part).write_text(f".part-{number} {{}}")
    return urls.style_sources(tmp_path)


def test_the_style_sheet_has_all_parts_in_order(tmp_path: Path, parts: list[Path]) -> None:
    numbers = re.findall(rb"part-(\d+)", sheet_of(StaticFiles(tmp_path)))
    assert numbers == [b"%d" % number for number in range(len(parts))]
    assert b"}\n." in sheet_of(StaticFiles(tmp_path))


def test_without_a_part_there_is_no_style_sheet(tmp_path: Path) -> None:
    assert StaticFiles(tmp_path).get(urls.STYLE_SHEET) is None


def test_the_minified_style_sheet_is_served_until_a_part_changes(tmp_path: Path, parts: list[Path]) -> None:
    minified, files = tmp_path / urls.MINIFIED_STYLE_SHEET, StaticFiles(tmp_path)
    minified.parent.mkdir()
    minified.write_text(f"/* Generated by make bundle from sources {urls.hash_of_styles(tmp_path)}: x */\n.all{{}}")
    assert b".all{}" in sheet_of(files)
    parts[-1].write_text(".changed {}")
    os.utime(parts[-1], ns=(2, 2**62))
    assert b".changed {}" in sheet_of(files)
    assert b".part-0 {}" in sheet_of(files)
    assert b".all{}" not in sheet_of(files)


def test_the_minified_style_sheet_names_the_order_of_the_parts(
    tmp_path: Path, parts: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = urls.hash_of_styles(tmp_path)
    monkeypatch.setattr(styles, "STYLE_SHEET_PARTS", urls.STYLE_SHEET_PARTS[::-1])
    assert urls.hash_of_styles(tmp_path) != before


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """Return a folder of static files with a bundle of the present modules."""
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "main.js").write_text("start();")
    (tmp_path / "bundle").mkdir()
    digest = urls.hash_of_scripts(tmp_path)
    (tmp_path / urls.SCRIPT).write_text(f"/* Generated by make bundle from sources {digest}: x */\nbundled();")
    return tmp_path


def test_a_page_has_the_bundle_as_its_only_module(client: FlaskClient) -> None:
    page = client.get("/").text
    assert re.findall(r'<script type="module" src="([^"]+)">', page) == [urls.static(urls.SCRIPT)]
    assert "modulepreload" not in page
    assert client.get(urls.static(urls.SCRIPT)).status_code == 200


def test_the_modules_are_loaded_once_they_differ_from_the_bundle(modules: Path) -> None:
    files = StaticFiles(modules)

    def script() -> bytes:
        file = files.get(urls.SCRIPT)
        assert file is not None
        return file.body

    assert b"bundled();" in script()
    main = modules / "js" / "main.js"
    main.write_text("start(1);")
    os.utime(main, ns=(2, 2**61))
    assert script() == MODULES
    main.write_text("start();")
    os.utime(main, ns=(2, 2**62))
    assert b"bundled();" in script()


def test_without_a_bundle_the_modules_are_loaded(modules: Path) -> None:
    (modules / urls.SCRIPT).unlink()
    file = StaticFiles(modules).get(urls.SCRIPT)
    assert file is not None
    assert file.body == MODULES


def test_the_command_writes_the_modules_instead_of_an_outdated_bundle(modules: Path, tmp_path: Path) -> None:
    for part in urls.STYLE_SHEET_PARTS:
        (modules / part).parent.mkdir(exist_ok=True)
        (modules / part).write_text("a{}")
    write(modules, tmp_path / "current")
    (modules / "js" / "new.js").write_text("more();")
    write(modules, tmp_path / "outdated")
    assert "bundled();" in (tmp_path / "current" / urls.SCRIPT).read_text()
    assert (tmp_path / "outdated" / urls.SCRIPT).read_bytes() == MODULES
