"""A browser's stream through everything that lies between it and the server."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from hubs.events.message import hub_channel
from hubs.events.tokens import Tokens
from hubs.models import Visibility
from tests.browser.conftest import Open, live
from tests.browser.stream.conftest import Pusher, show, streams
from tests.chameleon import Chameleon
from tests.services import HOST, Service, base_env, free_port, listens, wait_for
from tests.stack import Stack


def test_a_character_may_end_in_another_piece_than_it_began(open_page: Open, proxy: Chameleon, pusher: Pusher) -> None:
    proxy.mode = "bytes"
    page = live(open_page("/u/isolde/"))
    pusher.push("Füchse 漢字 🦊 schlafen")
    pusher.seen(page, "Füchse 漢字 🦊 schlafen")


def test_lines_comments_and_pieces_are_read_as_the_format_says(open_page: Open) -> None:
    page = open_page("/u/isolde/")
    results = page.evaluate(
        r"""async () => {
        const { Parser } = await import("/static/js/stream/parse.js");
        const text = ": hello\r\nretry: 10\nid: e-1\nchannel: c\nevent: widget\ndata: ä🦊\r"
          + "data:  two\n\n: hb\n\ndata\n\nid: x\n\n";
        const bytes = new TextEncoder().encode(text);
        const results = new Set();
        for (let cut = 0; cut <= bytes.length; cut++) for (const size of [1, 3, bytes.length]) {
          const told = [];
          const note = (kind) => (what) => told.push([kind, what]);
          const parser = new Parser(note("event"), note("retry"), note("comment"));
          parser.push(bytes.slice(0, cut));
          for (let at = cut; at < bytes.length; at += size) parser.push(bytes.slice(at, at + size));
          results.add(JSON.stringify(told));
        }
        return [...results].map((result) => JSON.parse(result));
      }"""
    )
    assert results == [
        [
            ["comment", "hello"],
            ["retry", 10],
            ["event", {"id": "e-1", "type": "widget", "channel": "c", "data": "ä🦊\n two"}],
            ["comment", "hb"],
            ["event", {"id": "", "type": "message", "channel": "", "data": ""}],
        ]
    ]


def test_a_page_reconnects_at_most_six_times_a_minute(open_page: Open) -> None:
    page = open_page("/u/isolde/")
    most = page.evaluate(
        """async () => {
        const { Backoff } = await import("/static/js/stream/backoff.js");
        let now = 1e12, most = 0;
        Date.now = () => now;
        for (let run = 0; run < 50; run++) for (const failing of [0, 1, 0.5]) {
          const pace = new Backoff(), tries = [];
          for (let step = 0; step < 60; step++) {
            now += pace.wait(run % 2 ? 10000 : 0, run % 3 ? 10000 : 0);
            pace.tried();
            tries.push(now);
            pace.failures = Math.random() < failing ? pace.failures + 1 : 0;
            most = Math.max(most, tries.filter((moment) => moment > now - 60000).length);
          }
        }
        return most;
      }"""
    )
    assert most == 6


def test_an_event_between_rendering_and_opening_the_stream_arrives(
    open_page: Open, proxy: Chameleon, pusher: Pusher
) -> None:
    proxy.mode = "silent"
    page = open_page("/u/isolde/")
    wait_for(lambda: proxy.requests, "the page to open its stream", 5)
    pusher.push("Between two moments")
    proxy.mode = "pass"
    proxy.cut()
    pusher.seen(page, "Between two moments")
    assert "/poll" not in "".join(proxy.requests)


@pytest.mark.parametrize("mode", ["bad", "portal"])
def test_answers_that_are_no_stream_are_told_and_survived(
    open_page: Open, proxy: Chameleon, pusher: Pusher, mode: str
) -> None:
    page = live(open_page("/u/isolde/"))
    proxy.mode = mode
    proxy.cut()
    page.wait_for_selector("[data-live=waiting]")
    pusher.push(f"Said during {mode}")
    time.sleep(4)
    assert 2 <= len(proxy.requests) <= 6
    proxy.mode = "pass"
    pusher.seen(page, f"Said during {mode}")
    live(page)


def test_a_dead_connection_is_replaced_and_nothing_is_missed_or_shown_twice(
    open_page: Open, proxy: Chameleon, pusher: Pusher
) -> None:
    page = live(open_page("/u/isolde/"))
    page.evaluate(
        "id => { window.changes = []; new MutationObserver(() => window.changes.push(document.querySelector(id)"
        ".textContent)).observe(document.querySelector(id), { childList: true }); }",
        f"#widget-{pusher.row.id} .widget-body",
    )
    for number in range(3):
        pusher.push(f"Before {number}")
    pusher.seen(page, "Before 2")
    proxy.cut()
    for number in range(3):
        pusher.push(f"After {number}")
    pusher.seen(page, "After 2")
    expected = [f"Before {n}" for n in range(3)] + [f"After {n}" for n in range(3)]
    assert page.evaluate("window.changes") == expected


def test_many_tabs_of_a_browser_share_one_connection(
    chromium: Browser, production: Stack, proxy: Chameleon, pusher: Pusher
) -> None:
    wait_for(lambda: streams(production) == 0, "earlier pages to be gone", 10)
    context = chromium.new_context(base_url=production.url)
    # A worker is shared by those who name the same file: the links below name that of the modules, pages the bundle's.
    context.add_init_script(
        """const Native = window.SharedWorker;
        let first;
        window.SharedWorker = function (url, options) { return new Native(first ??= url, options); };"""
    )
    try:
        pages = [context.new_page() for _ in range(8)]
        for page in pages:
            page.goto("/u/isolde/")
        # Another 92 pages' links, each with channels of its own.
        tokens = [_token(production, number) for number in range(92)]
        pages[0].evaluate(
            """async ([tokens, url, cursor]) => {
            const { Transport } = await import("/static/js/stream/transport.js");
            window.states = {};
            tokens.forEach(([token, channel], number) => {
              const link = new Transport(({ state }) => state && (window.states[number] = state), () => {});
              link.say("join", { url, token, cursor, channels: [channel] });
            });
          }""",
            [tokens, proxy.url, pusher.log.cursor()],
        )
        told = "Object.values(window.states).filter((state) => state === 'live').length"
        wait_for(lambda: pages[0].evaluate(told) == 92, "all links to be live", 15)
        for page in pages:
            live(page)
        assert streams(production) == 1
        pusher.push("To all tabs")
        for page in pages:
            pusher.seen(page, "To all tabs")
        assert streams(production) == 1
        pages[3].close()
        pusher.push("To the others")
        pusher.seen(pages[7], "To the others")
    finally:
        context.close()
    wait_for(lambda: streams(production) == 0, "the connection to end with the last tab", 10)


def _token(production: Stack, number: int) -> list[str]:
    channel = hub_channel(9000 + number, Visibility.PUBLIC, "en")
    return [Tokens(production.settings.key(), 600).mint([channel]), channel]


def test_without_a_shared_worker_one_tab_leads_and_another_takes_over(
    chromium: Browser, production: Stack, pusher: Pusher
) -> None:
    wait_for(lambda: streams(production) == 0, "earlier pages to be gone", 10)
    context = chromium.new_context(base_url=production.url)
    context.add_init_script("delete window.SharedWorker")
    try:
        pages = [context.new_page() for _ in range(3)]
        for page in pages:
            page.goto("/u/isolde/")
            live(page)
        assert streams(production) == 1
        pages[0].close()
        pusher.push("After the leader went")
        for page in pages[1:]:
            pusher.seen(page, "After the leader went")
        assert streams(production) == 1
    finally:
        context.close()


def test_without_workers_and_locks_each_tab_has_its_own(chromium: Browser, production: Stack, pusher: Pusher) -> None:
    context = chromium.new_context(base_url=production.url)
    context.add_init_script(
        "delete window.SharedWorker; Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })"
    )
    try:
        page = context.new_page()
        page.goto("/u/isolde/")
        live(page)
        pusher.push("On its own")
        pusher.seen(page, "On its own")
    finally:
        context.close()


def test_a_hidden_tab_gives_its_stream_back_and_catches_up_with_one_request(
    open_page: Open, production: Stack, pusher: Pusher
) -> None:
    wait_for(lambda: streams(production) == 0, "earlier pages to be gone", 10)
    page = open_page("about:blank")
    page.clock.install()
    page.goto(f"{production.url}/u/isolde/")
    live(page)
    show(page, hidden=True)
    page.clock.fast_forward(61_000)
    wait_for(lambda: streams(production) == 0, "the stream to be given back", 5)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    show(page, hidden=False)
    live(page)
    assert [url for url in asked if url.endswith("/stream")] == [f"{production.url}/u/isolde/stream"]
    assert streams(production) == 1


NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{ }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen {host}:{port};
    location / {{ proxy_pass http://{host}:{stream}; proxy_buffering on; proxy_ignore_headers X-Accel-Buffering; }}
  }}
}}
"""


@pytest.fixture
def buffering(production: Stack, proxy: Chameleon, tmp_path: Path) -> Iterator[Service]:
    """Put an nginx on the way that holds answers back until they are whole."""
    port, config = free_port(), tmp_path / "nginx.conf"
    text = NGINX.format(folder=tmp_path, host=HOST, port=port, stream=production.ports["stream"])
    root = subprocess.check_output(["id", "-u"]).strip() == b"0"
    config.write_text(("user root;" if root else "") + text)
    service = Service(["nginx", "-c", str(config), "-p", str(tmp_path)], tmp_path, "nginx", base_env())
    service.ready(lambda: listens(port))
    proxy.to(f"http://{HOST}:{port}/events")
    yield service
    service.stop()


def test_behind_a_proxy_that_holds_streams_back_the_page_polls(
    open_page: Open, buffering: Service, proxy: Chameleon, pusher: Pusher
) -> None:
    page = open_page("/u/isolde/")
    page.wait_for_selector("[data-live=live]", timeout=20_000)
    assert "POST /events/poll" in "".join(proxy.requests)
    for number in range(3):
        pusher.push(f"Through the buffer {number}")
        pusher.seen(page, f"Through the buffer {number}")
    log = (Path(buffering.path).parent / "error.log").read_text()
    assert "token=" not in log


def test_readers_reconnect_after_a_restart_of_the_server(
    open_page: Open, production: Stack, proxy: Chameleon, pusher: Pusher
) -> None:
    page = live(open_page("/u/isolde/"))
    server = production.services["stream"]
    server.stop()
    pusher.push("While it was away")
    page.wait_for_selector("[data-live=waiting]")
    server.restart()
    pusher.seen(page, "While it was away", timeout=30_000)
    live(page)


def test_a_refused_token_is_renewed(open_page: Open, pusher: Pusher) -> None:
    page = live(open_page("/u/isolde/"))
    pusher.log.revoke(pusher.channel)
    page.wait_for_selector("[data-live=waiting]")
    live(page)  # after some tries: a token tells its age in seconds
    pusher.push("With a new token")
    pusher.seen(page, "With a new token")
