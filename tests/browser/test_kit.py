"""Working on a widget: what its author saves is on the open page, also when it is broken, and its box says how."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hubs.kit.new import make
from hubs.testing.browser import violations
from tests.services import Service, answers, base_env, free_port
from tests.stack import ROOT

#: Seconds within which a change is seen at the latest; how long it really took is printed.
PATIENCE = 30


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("tides", tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="module")
def page(project: Path, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Give the page of the widget, live, on an instance that `hubs widget dev` runs."""
    port, folder = free_port(), tmp_path_factory.mktemp("dev")
    command = [sys.executable, "-W", "ignore", "-m", "hubs", "widget", "dev", str(project), "--port", str(port)]
    env = {
        **base_env(),
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PATH": os.environ["PATH"],
    }
    service = Service(command, folder, "dev", env, cwd=folder)
    try:
        service.ready(lambda: answers(f"http://127.0.0.1:{port}/healthz"))
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{port}/t/workshop/")
        page.wait_for_selector("[data-live=live]")
        yield page
        page.close()
    finally:
        service.stop()


def save(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def box(page: Page) -> object:
    return page.locator(".widget").first


def test_saved_changes_appear_without_reload(page: Page, project: Path) -> None:
    expect(box(page)).to_contain_text("Good to see you.")  # type: ignore[arg-type]
    page.evaluate("window.untouched = true")
    package = project / "hubs_tides"
    took = []
    changes = [
        (
            package / "templates" / "root.html",
            "{{ config.greeting }}",
            "{{ config.greeting }} The tide is high.",
            "high",
        ),
        (package / "widget.py", "Good to see you.", "Ahoy.", "Ahoy. The tide"),
        (package / "templates" / "root.html", "high.", "low.", "The tide is low."),
    ]
    for path, old, new, seen in changes:
        save(path, old, new)
        start = time.monotonic()
        expect(box(page)).to_contain_text(seen, timeout=1000 * PATIENCE)  # type: ignore[arg-type]
        took.append(time.monotonic() - start)
    assert page.evaluate("window.untouched") is True
    print("saved to seen, seconds:", ", ".join(f"{seconds:.2f}" for seconds in took))


def test_a_mistake_is_shown_in_the_box_with_its_traceback_and_goes_when_it_is_mended(page: Page, project: Path) -> None:
    for path, good, bad, said in [
        (project / "hubs_tides" / "widget.py", "class Tides(Widget):", "class Tides(Widget)", "SyntaxError"),
        (project / "hubs_tides" / "widget.py", 'return {"people":', 'return nothing or {"people":', "NameError"),
        (project / "hubs_tides" / "templates" / "root.html", "{% endblock %}", "{% endblok %}", "TemplateSyntaxError"),
    ]:
        save(path, good, bad)
        expect(box(page).locator("pre")).to_contain_text(said, timeout=1000 * PATIENCE)  # type: ignore[attr-defined]
        save(path, bad, good)
        expect(box(page)).to_contain_text("Ottoline", timeout=1000 * PATIENCE)  # type: ignore[arg-type]
        expect(box(page).locator("pre")).to_have_count(0)  # type: ignore[attr-defined]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_reports_nothing_on_good_pages_and_the_fault_on_a_bad_one(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    assert violations(page, "#" + str(box(page).get_attribute("id"))) == []  # type: ignore[attr-defined]
    page.evaluate("document.querySelector('.widget-body').insertAdjacentHTML('beforeend', '<button></button>')")
    assert any(problem.startswith("button-name") for problem in violations(page))
    page.evaluate("document.querySelector('.widget-body > button').remove()")
