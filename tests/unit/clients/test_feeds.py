"""Feeds of all formats, including hostile ones."""

import gzip
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hubs.clients.feeds import ENTRIES, Feeds
from hubs.clients.feedxml import parse
from hubs.clients.http.client import HTTP
from hubs.errors import UpstreamForbidden, UpstreamUnexpected
from hubs.parameters.addresses import TypedAddress
from tests.upstream import Reply, Upstream

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>Otter &amp; news</title><link>https://otters.example/</link><description>d</description>
<item><title>Old</title><link>/old</link><pubDate>Mon, 23 Nov 2026 10:00:00 +0000</pubDate></item>
<item><title>&lt;b&gt;New&lt;/b&gt; &amp;amp; bold</title><link>https://otters.example/new</link><dc:creator>Rana</dc:creator>
<pubDate>Tue, 24 Nov 2026 12:00:00 +0200</pubDate></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Atoms</title><link href="https://atoms.example/"/>
<entry><title type="html">One &lt;script&gt;alert(1)&lt;/script&gt;</title><link href="https://atoms.example/1"/>
<updated>2026-11-24T10:00:00Z</updated><author><name>Kofi</name></author></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel rdf:about="https://rdf.example/"><title>Old style</title><link>https://rdf.example/</link></channel>
<item rdf:about="https://rdf.example/1"><title>Item</title><link>https://rdf.example/1</link></item></rdf:RDF>"""
BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<rss version="2.0"><channel><title>&b;</title></channel></rss>"""
FILE = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>
<rss version="2.0"><channel><title>&f;</title></channel></rss>"""
DEFAULT = """<!DOCTYPE rss [<!ATTLIST a x CDATA "a long text, once for each of many elements">]>
<rss version="2.0"><channel><a/><a/></channel></rss>"""

#: Size of hostile inputs in bytes.
LONG = 40_000


@pytest.fixture
def feeds(local_http: HTTP) -> Feeds:
    return Feeds(local_http)


def read(upstream: Upstream, feeds: Feeds, body: object, **headers: str):  # type: ignore[no-untyped-def]
    upstream.on("/feed", Reply(body, headers={"Content-Type": "application/xml", **headers}))
    return feeds.read(TypedAddress(f"{upstream.url}/feed"))


def test_rss_is_read_as_plain_text_newest_first(upstream: Upstream, feeds: Feeds) -> None:
    feed = read(upstream, feeds, RSS)
    assert (feed.title, feed.url) == ("Otter & news", "https://otters.example/")
    assert [entry.title for entry in feed.entries] == ["New & bold", "Old"]
    assert feed.entries[0].author == "Rana"
    assert feed.entries[0].published == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert feed.entries[1].url == f"{upstream.url}/old"
    assert "application/rss+xml" in upstream.asked[0].headers["accept"]


def test_atom_and_rdf_are_read(upstream: Upstream, feeds: Feeds) -> None:
    atom = read(upstream, feeds, ATOM)
    assert (atom.entries[0].title, atom.entries[0].author) == ("One", "Kofi")
    rdf = read(upstream, feeds, RDF)
    assert (rdf.title, rdf.entries[0].url, rdf.entries[0].published) == ("Old style", "https://rdf.example/1", None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Tue, 24 Nov 2026 12:00:00 EST", datetime(2026, 11, 24, 17, tzinfo=UTC)),
        ("Tue, 24 Nov 2026 12:00:00 CET", datetime(2026, 11, 24, 11, tzinfo=UTC)),
        ("Fri, 24 Jul 2026 12:00:00 CEST", datetime(2026, 7, 24, 10, tzinfo=UTC)),
        ("Fri, 24 Jul 2026 12:00:00 EEST", datetime(2026, 7, 24, 9, tzinfo=UTC)),
        ("Tue, 24 Nov 2026 12:00:00 JST", datetime(2026, 11, 24, 3, tzinfo=UTC)),
        ("2026-07-24 12:00:00 CEST", datetime(2026, 7, 24, 10, tzinfo=UTC)),
        ("Tuesday, 24 November 2026 12:00 +0200", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("Tue, 24 Nov 2026 12:00:00 +02:00", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("2026-11-24T12:00:00+02:00", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("2026-11-24t10:00:00.123456789z", datetime(2026, 11, 24, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-24 10:00:00", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("Tue, 24 Nov 2026", datetime(2026, 11, 24, tzinfo=UTC)),
        ("24 Nov 2026", datetime(2026, 11, 24, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("Mon, 01 Jan 0001 00:00:00 +0000", None),
        ("9999-12-31T23:59:59-05:00", None),
        ("Tue, 24 Nov 2026 12:00:00 +9999", None),
        ("yesterday", None),
        ("x" * 4000, None),
    ],
)
def test_all_common_date_formats_are_read(upstream: Upstream, feeds: Feeds, written: str, expected: object) -> None:
    item = f"<item><title>One</title><pubDate>{written}</pubDate></item>"
    feed = read(upstream, feeds, f"<rss><channel>{item}</channel></rss>")
    assert feed.entries[0].published == expected


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_the_declared_encoding_is_used(upstream: Upstream, feeds: Feeds, encoding: str) -> None:
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel><title>Fjørd</title></channel></rss>'
    )
    assert read(upstream, feeds, text.encode(encoding)).title == "Fjørd"


def test_the_encoding_of_the_header_is_used(upstream: Upstream, feeds: Feeds) -> None:
    body = "<rss><channel><title>Fjørd</title></channel></rss>".encode("latin-1")
    assert read(upstream, feeds, body, **{"Content-Type": "text/xml; charset=ISO-8859-1"}).title == "Fjørd"
    assert read(upstream, feeds, body, **{"Content-Type": "text/xml; charset=nonsense"}).title == "Fj�rd"


def test_common_xml_mistakes_are_corrected(upstream: Upstream, feeds: Feeds) -> None:
    item = "<item><title>Salt &amp; pepper&nbsp;&mdash; R&D \x08</title><dc:creator>Rana</dc:creator></item>"
    feed = read(upstream, feeds, f"\n <rss version='2.0'><channel><title>a & b</title>{item}<item><title>cut")
    assert feed.title == "a & b"
    assert [(entry.title, entry.author) for entry in feed.entries] == [("Salt & pepper — R&D", "Rana"), ("…", "")]


def test_text_beside_a_mistake_is_kept(upstream: Upstream, feeds: Feeds) -> None:
    link = "<link><![CDATA[https://own.example/?a=1&copy=2]]></link>"
    item = f"<item><title>One &#8;&#x0c; bell &#150; two &lt;&#233;</title>{link}</item><item><title>Two</title></item>"
    first, second = read(upstream, feeds, f"<rss><channel><title>a & b</title>{item}</channel></rss>").entries
    assert (first.title, first.url, second.title) == ("One bell – two <é", "https://own.example/?a=1&copy=2", "Two")


def test_undeclared_entities_are_those_of_html(upstream: Upstream, feeds: Feeds) -> None:
    kind = '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "https://my.netscape.example/rss-0.91.dtd">'
    feed = read(upstream, feeds, f'{kind}<rss version="0.91"><channel><title>Caf&eacute; bar</title></channel></rss>')
    assert feed.title == "Café bar"


def test_items_of_extensions_are_not_entries(upstream: Upstream, feeds: Feeds) -> None:
    inner = '<x:list xmlns:x="x"><x:channel><x:title>Inner</x:title></x:channel><x:item/></x:list>'
    item = f"<item><title>One</title>{inner}</item>"
    feed = read(upstream, feeds, f"<rss><channel>{item}<title>T</title></channel></rss>")
    assert (feed.title, [entry.title for entry in feed.entries]) == ("T", ["One"])


def test_the_beginning_of_the_text_replaces_a_missing_title(upstream: Upstream, feeds: Feeds) -> None:
    body = """<rss version="2.0" xmlns:media="m"><channel><description>d</description>
    <item><guid>https://notes.example/1</guid><description>&lt;p&gt;The kettle is %s&lt;/p&gt;</description></item>
    <item><guid>https://notes.example/2</guid><media:description>A picture</media:description></item>
    <item><title>Told</title><description>At length</description></item></channel></rss>"""
    feed = read(upstream, feeds, body % ("hot, " * 40))
    assert [entry.title[:24] for entry in feed.entries] == [
        "The kettle is hot, hot, ",
        "https://notes.example/2",
        "Told",
    ]
    assert len(feed.entries[0].title) == 100
    atom = "<feed><entry><content type='xhtml'><div>In a <b>feed</b></div></content></entry></feed>"
    assert read(upstream, feeds, atom).entries[0].title == "In a feed"


def test_elements_of_extensions_are_ignored(upstream: Upstream, feeds: Feeds) -> None:
    body = """<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:media="m"><channel>
    <image><title>Picture</title><link>/picture</link></image><atom:link rel="self" href="/self"/>
    <title>Own</title><link>/own</link>
    <item><media:title>Media</media:title><title>Entry</title><guid>https://own.example/1</guid></item>
    <item><title>Other</title><guid isPermaLink="false">https://own.example/no</guid></item></channel></rss>"""
    feed = read(upstream, feeds, body)
    assert (feed.title, feed.url) == ("Own", f"{upstream.url}/own")
    assert [(entry.title, entry.url) for entry in feed.entries] == [("Entry", "https://own.example/1"), ("Other", "")]


def test_addresses_are_relative_to_the_base_of_the_feed(upstream: Upstream, feeds: Feeds) -> None:
    body = """<a:feed xmlns:a="http://www.w3.org/2005/Atom" xml:base="https://atoms.example/blog/"><a:entry>
    <a:link rel="edit" href="edit"/><a:link href="1"/><a:author><a:email>k@x.example</a:email><a:name>Kofi</a:name>
    <a:uri>https://x.example</a:uri></a:author><a:title type="xhtml"><div><b>One</b> more</div></a:title></a:entry>
    <a:entry><a:link href="http://["/><a:title>Two</a:title></a:entry></a:feed>"""
    first, second = read(upstream, feeds, body).entries
    assert (first.title, first.url, first.author) == ("One more", "https://atoms.example/blog/1", "Kofi")
    assert (second.title, second.url) == ("Two", "")


@pytest.mark.parametrize(
    "body",
    [
        "<rss><channel><item><author>" + "a" * LONG + "</author></item></channel></rss>",
        "<rss><channel><item><author>a@" + "a." * (LONG // 2) + "</author></item></channel></rss>",
        "\n" * LONG + "<rss><channel><item/></channel></rss>",
        "<?xml version='1.0'?><rss><channel><item/>" + "<a>" * (LONG * 8),
        "<rss><channel><item><title>" + "&" * LONG * 8,
        "<rss><channel><item/>&<a>" + "<![CDATA[" * LONG * 2,
    ],
)
def test_hostile_feeds_are_parsed_quickly(upstream: Upstream, feeds: Feeds, body: str) -> None:
    begun = time.process_time()
    assert len(read(upstream, feeds, body).entries) == 1
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    "unit",
    [
        "<a></b>",
        "<a>",
        "</b>",
        "<a b='",
        "<!--",
        "<?a ",
        "<",
        "&#8;",
        "&nbsp;",
        "<!DOCTYPE",
        "<a xmlns:b='c'>",
        "]]>",
        "\0",
    ],
)
def test_a_megabyte_of_mistakes_is_parsed_in_linear_time(unit: str) -> None:
    body = "<rss><channel><item><title>One</title></item>"
    body += unit * ((1_000_000 - len(body)) // len(unit))
    begun = time.process_time()
    assert parse(body.encode(), "", ENTRIES).entries == [{"title": "One"}]
    assert time.process_time() - begun < 5


def test_hostile_html_is_parsed_quickly(upstream: Upstream, feeds: Feeds) -> None:
    tangled = "<p>" + "".join(f"<b a{number}>" for number in range(300)) + "<p>x" * 600
    item = f"<item><title><![CDATA[{tangled}]]></title></item>"
    begun = time.process_time()
    assert len(read(upstream, feeds, f"<rss><channel>{item * ENTRIES}</channel></rss>").entries) == ENTRIES
    assert time.process_time() - begun < 2


def test_a_hostile_declaration_is_parsed_quickly(upstream: Upstream, feeds: Feeds) -> None:
    begun = time.process_time()
    with pytest.raises(UpstreamUnexpected):
        read(upstream, feeds, "<?xml version='1.0' " + "encoding='' " * 1500 + "<rss>")
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("body", [BOMB, FILE, BOMB.encode("utf-16"), FILE.replace("ENTITY", "EnTiTy"), DEFAULT])
def test_feeds_with_definitions_are_refused(upstream: Upstream, feeds: Feeds, body: str | bytes) -> None:
    with pytest.raises(UpstreamUnexpected):
        read(upstream, feeds, body)


@pytest.mark.parametrize("body", ["", "<html><body>hello</body></html>", "{}", "\x00\x01", "<", "/etc/passwd"])
def test_another_format_is_a_clear_error(upstream: Upstream, feeds: Feeds, body: str) -> None:
    with pytest.raises(UpstreamUnexpected):
        read(upstream, feeds, body)


def test_a_response_that_looks_like_a_path_is_not_opened(upstream: Upstream, feeds: Feeds, tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text(RSS)
    with pytest.raises(UpstreamUnexpected):
        read(upstream, feeds, str(secret))
    with pytest.raises(UpstreamUnexpected):
        read(upstream, feeds, secret.as_uri())


def test_only_web_addresses_become_links(upstream: Upstream, feeds: Feeds) -> None:
    body = RSS.replace("https://otters.example/new", "javascript:alert(1)").replace("/old", "data:text/html,x")
    assert [entry.url for entry in read(upstream, feeds, body).entries] == ["", ""]


def test_long_feeds_are_cut(upstream: Upstream, feeds: Feeds) -> None:
    item = "<item><title>t</title></item>"
    body = f'<rss version="2.0"><channel><title>x</title>{item * (ENTRIES + 9)}</channel></rss>'
    assert len(read(upstream, feeds, body).entries) == ENTRIES


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_huge_feed_is_read_up_to_the_limit(upstream: Upstream, feeds: Feeds, encoding: str) -> None:
    texts = [f"<item><title>Entry {n}</title><description>{'x' * 90_000}</description></item>" for n in range(50)]
    body = f'<rss version="2.0"><channel><title>Big</title>{"".join(texts)}</channel></rss>'.encode()
    headers = {"Content-Encoding": "gzip"} if encoding == "gzip" else {}
    feed = read(upstream, feeds, gzip.compress(body) if encoding == "gzip" else body, **headers)
    # Eleven fit into a megabyte, and the twelfth is cut.
    assert (feed.title, len(feed.entries), feed.entries[-1].title) == ("Big", 11, "Entry 10")
    assert len(read(upstream, feeds, body).entries) == 11  # the cut body was not stored as the whole


def test_a_response_that_is_no_feed_is_an_error_however_long(upstream: Upstream, feeds: Feeds) -> None:
    with pytest.raises(UpstreamUnexpected):
        read(upstream, feeds, " " * 1_000_001)


def test_undated_entries_keep_their_place_among_sorted_ones(upstream: Upstream, feeds: Feeds) -> None:
    days = [3, None, 9, None, 7]
    items = "".join(
        f"<item><title>{day}</title>{f'<pubDate>0{day} Nov 2026</pubDate>' if day else ''}</item>" for day in days
    )
    feed = read(upstream, feeds, f"<rss><channel>{items}</channel></rss>")
    assert [entry.title for entry in feed.entries] == ["9", "None", "7", "None", "3"]


@pytest.mark.parametrize("text", ["می\u200cخواهم", "क्\u200dष", "👩\u200d💻"])
def test_joiners_stay_in_text(upstream: Upstream, feeds: Feeds, text: str) -> None:
    item = f"<item><title>{text}</title><author>{text}</author></item>"
    entry = read(upstream, feeds, f"<rss><channel>{item}</channel></rss>".encode()).entries[0]
    assert (entry.title, entry.author) == (text, text)


def test_blanks_in_addresses_are_encoded(upstream: Upstream, feeds: Feeds) -> None:
    item = "<item><title>x</title><link> https://otters.example/a b/c d.html </link></item>"
    assert read(upstream, feeds, f"<rss><channel>{item}</channel></rss>").entries[0].url == (
        "https://otters.example/a%20b/c%20d.html"
    )


@pytest.mark.parametrize(
    "noise", ["\n\n  ", "Warning: date() in /srv/x.php on line 3\n", "<br />\n<b>Notice</b>: x < 3", "junk "]
)
def test_text_before_the_declaration_is_skipped(upstream: Upstream, feeds: Feeds, noise: str) -> None:
    body = f'{noise}<?xml version="1.0" encoding="utf-8"?><rss><channel><item><title>é</title></item></channel></rss>'
    assert [entry.title for entry in read(upstream, feeds, body.encode()).entries] == ["é"]


def test_texts_are_limited_in_length(upstream: Upstream, feeds: Feeds) -> None:
    assert len(read(upstream, feeds, RSS.replace("Old", "x" * 9999)).entries[1].title) == 300


def test_private_addresses_are_refused(upstream: Upstream, http: HTTP) -> None:
    with pytest.raises(UpstreamForbidden):
        Feeds(http).read(TypedAddress(f"{upstream.url}/feed"))
