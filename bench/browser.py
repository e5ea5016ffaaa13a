"""Pages in a browser on a slow phone: what Lighthouse says of them, behind nginx and from gunicorn alone.

``python -m bench.browser [--runs N] [--pages NAME …] [--parts NAME …]`` runs the demo as an installed package, and
Lighthouse (its mobile profile: a slow phone on a slow network, both simulated) on each page as a visitor. It prints the
median of the runs, and beside them the limit: a page that holds one sentence; last, what `bench/interaction.py` says of
a page of 60 widgets. Bytes and requests are those of a first and a second visit, without the stream; behind nginx
there is no second one, since browsers keep nothing under a certificate that nobody signed. The version of Lighthouse
is pinned in `bench/lighthouse`; npm installs it there.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from playwright.sync_api import Browser

from bench import interaction
from tests.browser.conftest import PROGRAMS, launch
from tests.integration.test_up import first_port
from tests.nginx import nginx
from tests.services import HOST, Service, answers, base_env, free_port
from tests.stack import ROOT

HOME = Path(__file__).parent / "lighthouse"
PAGES = {
    "front": "/",
    "team": "/t/docs/",
    "teams": "/teams/",
    "person": "/u/kaveri/",
    "people": "/people/",
    "search": "/search?q=docs",
    "activity": "/t/docs/activity",
    "calendar": "/t/docs/calendar",
    "members": "/t/docs/members",
    "about": "/t/docs/about",
    "own page": "/t/docs/p/contribute/",
}
#: Figures of Lighthouse: the heading, the audit, the divisor and the format.
FIGURES = {
    "first s": ("first-contentful-paint", 1000, ".2f"),
    "largest s": ("largest-contentful-paint", 1000, ".2f"),
    "blocked ms": ("total-blocking-time", 1, ".0f"),
    "CLS": ("cumulative-layout-shift", 1, ".3f"),
}
CATEGORIES = {"perf": "performance", "a11y": "accessibility", "best": "best-practices", "SEO": "seo"}
AIMS = (
    "aims: performance 98 behind nginx and 95 from gunicorn alone, first and largest paint 1.4 s, CLS 0.02, first visit"
    " 120 kB, next visit 30 kB, 8 requests before the first paint"
)
#: Starts the demo at the addresses of a proxy: `hubs up` has its own.
_UP = """
import json, os
from hubs.cli import cli
from hubs.demo import supervisor
given, own = json.loads(os.environ["ADDRESSES"]), supervisor.environment
supervisor.environment = lambda *args, **more: {**own(*args, **more), **given}
cli()
"""


class Visit(NamedTuple):
    """What a browser loads on one visit: bytes over the wire, requests, and those before the first paint."""

    size: int
    requests: int
    before_paint: int


@contextmanager
def demo(folder: Path, port: int, **addresses: str) -> Iterator[None]:
    """Run the demo as an installed package, which keeps static files for a year."""
    package = folder / "package"
    package.mkdir()
    for name in ("hubs", "alembic", "fedmsg.d"):
        (package / name).symlink_to(ROOT / name)
    env = {**base_env(), "PYTHONPATH": str(package), "ADDRESSES": json.dumps(addresses)}
    argv = [sys.executable, "-c", _UP, "up", "--port", str(port), "--data-dir", str(folder / "var"), "--pause", "5"]
    service = Service(argv, folder, "up", env, cwd=folder)
    try:
        service.ready(lambda: answers(f"http://{HOST}:{port}/") and answers(f"http://{HOST}:{port + 1}/healthz"), 120)
        yield
    finally:
        service.process.send_signal(signal.SIGINT)
        service.process.wait(60)


@contextmanager
def behind_nginx(folder: Path) -> Iterator[str]:
    """Run the demo behind the shipped nginx site with TLS and HTTP/2; give its address."""
    port, front = first_port(), free_port()
    certificate = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-out", str(certificate[0]), "-keyout", str(certificate[1])),
        ],
        check=True,
        capture_output=True,
    )
    address = f"https://localhost:{front}"
    with (
        demo(folder, port, HUBS_SITE_URL=address, HUBS_STREAM_URL=f"{address}/events"),
        # The demo has no memcached: nginx asks the application for every fragment.
        nginx(folder, free_port(), port, port + 1, certificate, front),
    ):
        yield address


@contextmanager
def alone(folder: Path) -> Iterator[str]:
    """Run the demo from gunicorn alone; give its address."""
    port = first_port()
    with demo(folder, port):
        yield f"http://{HOST}:{port}"


@contextmanager
def sentence(folder: Path) -> Iterator[str]:
    """Serve a page with one sentence; give its address."""
    (folder / "index.html").write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>One</title>"
        '<link rel="icon" href="data:,"><meta name="description" content="One."><main><h1>One sentence.</h1></main>'
    )
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{server.server_address[1]}"
        server.shutdown()


#: What serves pages: the limit, nginx with TLS and HTTP/2, and gunicorn alone.
SERVERS = {"sentence": sentence, "nginx": behind_nginx, "gunicorn": alone}
WIDGETS = "widgets"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def lighthouse(address: str) -> dict[str, Any]:
    """Return Lighthouse's report of a page."""
    program = next(path for path in PROGRAMS if Path(path).exists())
    flags = "--headless --no-sandbox --ignore-certificate-errors"
    options = ["--quiet", "--output=json", f"--chrome-flags={flags}", "--max-wait-for-load=60000"]
    argv = [str(HOME / "node_modules/.bin/lighthouse"), address, *options]
    ran = subprocess.run(argv, env={**os.environ, "CHROME_PATH": program}, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"Lighthouse failed at {address}:\n{ran.stderr[-2000:]}")
    report: dict[str, Any] = json.loads(ran.stdout)
    return report


def visits(browser: Browser, address: str) -> tuple[Visit, Visit]:
    """Return what a phone loads on the first visit of a page and on the second."""
    context = browser.new_context(viewport={"width": 412, "height": 823}, ignore_https_errors=True)
    try:
        return _visit(context.new_page(), address), _visit(context.new_page(), address)
    finally:
        context.close()


def _visit(page: Any, address: str) -> Visit:
    session, sizes, skipped = page.context.new_cdp_session(page), {}, set()
    session.send("Network.enable")

    def sent(event: dict[str, Any]) -> None:
        if "/events" in event["request"]["url"]:
            skipped.add(event["requestId"])

    session.on("Network.requestWillBeSent", sent)
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page.goto(address)
    page.wait_for_timeout(3000)
    before: int = page.evaluate(
        "() => { const painted = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0;"
        " return 1 + performance.getEntriesByType('resource').filter((entry) => entry.responseEnd < painted).length; }"
    )
    loaded = {key: size for key, size in sizes.items() if key not in skipped and size}
    return Visit(int(sum(loaded.values())), len(loaded), before)


def measure(name: str, address: str, runs: int, browser: Browser) -> None:
    """Print the line of a page: medians of Lighthouse's figures, then bytes and requests."""
    reports = [lighthouse(address) for _ in range(runs)]
    scores = [
        statistics.median(100 * report["categories"][category]["score"] for report in reports)
        for category in CATEGORIES.values()
    ]
    figures = [
        format(statistics.median(report["audits"][audit]["numericValue"] for report in reports) / divisor, style)
        for audit, divisor, style in FIGURES.values()
    ]
    first, second = visits(browser, address)
    next_size = "–" if address.startswith("https:") else f"{second.size / 1000:.0f}"
    sizes = [f"{first.size / 1000:.0f}", next_size, str(first.requests), str(first.before_paint)]
    print(
        f"{name:10}", *(f"{score:5.0f}" for score in scores), *(f"{text:>10}" for text in figures + sizes), flush=True
    )
    low = {
        f"{key} ({audit.get('displayValue', '')})"
        for report in reports
        for category in ("accessibility", "best-practices", "seo")
        for key in (reference["id"] for reference in report["categories"][category]["auditRefs"])
        if (audit := report["audits"][key])["score"] is not None and audit["score"] < 1
    }
    for problem in sorted(low):
        print(f"           below 100: {problem}")


def main() -> None:
    """Measure the pages in each setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=5, help="runs of Lighthouse for each page (default: 5)")
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=list(PAGES))
    parts = [*SERVERS, WIDGETS]
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    arguments = parser.parse_args()
    if not (HOME / "node_modules").exists():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=HOME, check=True)
    heads = [f"{head:>5}" for head in CATEGORIES]
    heads += [f"{head:>10}" for head in (*FIGURES, "first kB", "next kB", "requests", "to paint")]
    print(AIMS)
    for name, server in SERVERS.items():
        if name not in arguments.parts:
            continue
        print(f"\n{name}\n{'page':10}", *heads, flush=True)
        with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as address, launch() as browser:
            for page in arguments.pages if server is not sentence else ["sentence"]:
                measure(page, address + PAGES.get(page, "/"), arguments.runs, browser)
    if WIDGETS in arguments.parts:
        interaction.main()


if __name__ == "__main__":
    main()
