"""Every route has an access rule, and the rule holds for everybody."""

import inspect
import itertools
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs import api_urls, urls
from hubs.events.message import hub_channel
from hubs.models import Hub, Visibility, Widget, now
from hubs.urls import scripts, styles
from tests.unit.views.conftest import post, sign_in

ROLES = ("visitor", "stranger", "subscriber", "member", "owner")
TOKEN = re.compile(r'(?<=value=")[\w.-]{60,}(?=")')
HUB = "/<any(u, t):space>/<name>/"
API_HUB = "/api/v1/hubs/<any(u, t):space>/<name>"
API_WIDGET = "/api/v1/widgets/<int(max=2147483647):number>"
#: Rules that tests of their own prove.
UNWALKED = (
    "meetings",
    "machine",
    "tokens",
    "webhook",
    "gallery",
    "sitemap",
    "logo",
    "picture",
    "embed",
    "call",
    "page",
)
#: Rules that do not depend on the hub's visibility.
WITHOUT_HUB = ("all", "account", "admin", "provider")
#: Route, method → who may use it on a public hub; "all" are open whatever the hub's visibility.
RULES = {
    ("/", "GET"): "all",
    ("/now", "GET"): "all",
    ("/announcements", "GET"): "admin",
    ("/announcements", "POST"): "admin",
    # There are none here; tests/unit/views/home/test_announcements.py has owner, member and stranger.
    ("/announcements/<int:number>/dismiss", "POST"): "account",
    ("/announcements/<int:number>/withdraw", "POST"): "account",
    (HUB + "announcements", "GET"): "edit",
    (HUB + "announcements", "POST"): "edit",
    # There are none here; tests/unit/views/home/test_help_wanted.py has helper, caller and visitor.
    ("/help/<int(max=9223372036854775807):number>", "GET"): "call",
    ("/help/<int(max=9223372036854775807):number>", "POST"): "call",
    ("/home/seen", "POST"): "account",
    ("/home/steps", "POST"): "account",
    ("/home/profile", "POST"): "account",
    (HUB + "since/<day>", "GET"): "view",
    (HUB + "since/<day>/json", "GET"): "view",
    ("/search", "GET"): "all",
    ("/search/palette", "GET"): "all",
    ("/pick/people", "GET"): "account",
    ("/pick/zones", "GET"): "account",
    ("/teams/", "GET"): "all",
    ("/people/", "GET"): "all",
    # Where it is switched on: tests/unit/views/test_gallery.py.
    ("/new", "GET"): "account",
    ("/new", "POST"): "account",
    ("/gallery/", "GET"): "gallery",
    ("/gallery/<plugin>", "GET"): "gallery",
    ("/login", "GET"): "all",
    ("/login", "POST"): "all",
    ("/login/start", "GET"): "provider",
    ("/login/callback", "GET"): "provider",
    ("/login/backchannel", "POST"): "provider",
    ("/logout", "POST"): "all",
    ("/healthz", "GET"): "all",
    ("/livez", "GET"): "all",
    ("/readyz", "GET"): "all",
    ("/language", "GET"): "all",
    ("/static/<path:filename>", "GET"): "all",
    ("/static/v-<version>/<path:filename>", "GET"): "all",
    ("/robots.txt", "GET"): "all",
    ("/sitemap.xml", "GET"): "all",
    ("/sitemap-<int:number>.xml", "GET"): "sitemap",
    ("/opensearch.xml", "GET"): "all",
    ("/manifest.webmanifest", "GET"): "all",
    ("/favicon.ico", "GET"): "all",
    ("/icon-<int:size>.png", "GET"): "all",
    ("/icon-<int:size>-maskable.png", "GET"): "all",
    ("/site.css", "GET"): "all",
    # Where the settings name one, and sitemaps: tests/unit/views/site.
    ("/logo", "GET"): "logo",
    ("/pictures/<digest>.webp", "GET"): "picture",
    ("/embed/<int:number>", "GET"): "embed",
    ("/oembed", "GET"): "embed",
    # For everybody or for nobody.
    (HUB + "card.png", "GET"): "public",
    (HUB, "GET"): "view",
    (HUB + "json", "GET"): "view",
    (HUB + "stream", "GET"): "view",
    (HUB + "fragments", "GET"): "view",
    (HUB + "edit", "GET"): "edit",
    (HUB + "edit", "POST"): "edit",
    (HUB + "edit/add", "GET"): "edit",
    (HUB + "edit/add/<plugin>", "GET"): "edit",
    (HUB + "edit/add/<plugin>", "POST"): "edit",
    (HUB + "edit/widget/<key>", "GET"): "edit",
    (HUB + "edit/widget/<key>", "POST"): "edit",
    (HUB + "edit/widget/<key>/copy", "GET"): "edit",
    (HUB + "edit/widget/<key>/copy", "POST"): "edit",
    (HUB + "settings", "GET"): "edit",
    (HUB + "settings", "POST"): "edit",
    (HUB + "settings/appearance", "GET"): "edit",
    (HUB + "settings/appearance", "POST"): "edit",
    (HUB + "settings/other", "GET"): "edit",
    (HUB + "settings/keys", "GET"): "edit",
    (HUB + "settings/keys", "POST"): "edit",
    # There is none here; tests/unit/views/hub/test_keys.py has owner, member and stranger.
    (HUB + "settings/keys/<int:number>/remove", "POST"): "webhook",
    # There is none here; tests/unit/views/hub/test_webhooks.py has owner, member and stranger.
    (HUB + "settings/webhooks", "GET"): "edit",
    (HUB + "settings/webhooks", "POST"): "edit",
    (HUB + "settings/webhooks/<int:number>", "GET"): "webhook",
    (HUB + "settings/webhooks/<int:number>", "POST"): "webhook",
    (HUB + "settings/webhooks/<int:number>/rotate", "POST"): "webhook",
    (HUB + "settings/webhooks/<int:number>/test", "POST"): "webhook",
    (HUB + "settings/webhooks/<int:number>/delete", "POST"): "webhook",
    (HUB + "settings/file", "GET"): "edit",
    (HUB + "settings/name", "POST"): "edit",
    (HUB + "settings/delete", "POST"): "edit",
    ("/me/deleted/<int:hub_id>", "POST"): "account",
    (HUB + "<any(subscribe, unsubscribe, star, unstar, leave):act>", "POST"): "signed in",
    (HUB + "<any(subscribe, star):act>", "GET"): "view",
    (HUB + "activity", "GET"): "view",
    (HUB + "about", "GET"): "view",
    (HUB + "calendar", "GET"): "view",
    (HUB + "members", "GET"): "view",
    (HUB + "join", "GET"): "join",
    (HUB + "join", "POST"): "join",
    (HUB + "withdraw", "POST"): "signed in",
    (HUB + "requests", "POST"): "edit",
    (HUB + "roles", "POST"): "edit",
    (HUB + "invitations", "POST"): "edit",
    (HUB + "joining", "POST"): "edit",
    ("/me/", "GET"): "account",
    ("/me/", "POST"): "account",
    ("/me/picture", "POST"): "account",
    ("/me/export", "POST"): "account",
    ("/me/sign-out", "POST"): "account",
    ("/me/delete", "POST"): "account",
    ("/me/invitations/<int:hub_id>", "POST"): "account",
    ("/me/bookmarks", "GET"): "account",
    ("/me/bookmarks", "POST"): "account",
    ("/stream/", "GET"): "account",
    # That one marks what is in one's stream alone: tests/unit/views/account/test_stream.py.
    ("/stream/", "POST"): "account",
    ("/stream/new", "GET"): "account",
    ("/stream/token", "GET"): "account",
    ("/me/notices", "GET"): "account",
    ("/me/notices/count", "GET"): "account",
    ("/me/notices/mutes", "GET"): "account",
    ("/me/notices/popover", "GET"): "account",
    ("/me/notices", "POST"): "account",
    ("/me/tokens", "GET"): "account",
    ("/me/tokens", "POST"): "account",
    ("/me/tokens/<int:number>/revoke", "POST"): "account",
    (HUB + "history", "GET"): "edit",
    (HUB + "history", "POST"): "edit",
    (HUB + "audit", "GET"): "edit",
    ("/audit", "GET"): "admin",
    ("/w/<int:widget_id>/", "GET"): "view",
    ("/w/<int:widget_id>/fragment", "GET"): "view",
    ("/w/<int:widget_id>/json", "GET"): "view",
    ("/w/<int:widget_id>/more", "GET"): "view",
    # Who sees the widget, where it is one of meetings: tests/unit/views/test_calendar.py.
    ("/w/<int:widget_id>/calendar.ics", "GET"): "meetings",
    ("/w/<int:widget_id>/retry", "POST"): "signed in",
    ("/w/<int:widget_id>/settings", "GET"): "edit",
    ("/w/<int:widget_id>/settings", "POST"): "edit",
    # Whoever has a token of that widget: tests/unit/views/hub/test_push_tokens.py.
    ("/api/v1/push/<int(max=2147483647):number>", "GET"): "machine",
    ("/api/v1/push/<int(max=2147483647):number>", "PUT"): "machine",
    # There are no tokens but on widgets that machines fill; that test has owner, member and stranger for these.
    ("/w/<int:widget_id>/tokens", "POST"): "tokens",
    ("/w/<int:widget_id>/tokens/<int:token>/revoke", "POST"): "tokens",
    # Whoever has the secret of that webhook: tests/unit/views/test_webhooks.py.
    ("/hooks/<address>", "POST"): "machine",
    (HUB + "feed.atom", "GET"): "view",
    ("/api/v1/", "GET"): "all",
    ("/api/v1/openapi.json", "GET"): "all",
    ("/api/v1/hubs", "GET"): "all",
    ("/api/v1/search", "GET"): "all",
    ("/api/v1/widget-types", "GET"): "all",
    ("/api/v1/widget-types/<plugin>", "GET"): "all",
    ("/api/v1/help", "GET"): "all",
    ("/api/v1/help/<int(max=9223372036854775807):number>", "GET"): "call",
    ("/api/v1/help/<int(max=9223372036854775807):number>/offer", "PUT"): "api own",
    ("/api/v1/help/<int(max=9223372036854775807):number>/offer", "DELETE"): "api own",
    ("/api/v1/me", "GET"): "account",
    ("/api/v1/me/notices", "GET"): "account",
    ("/api/v1/me/notices/count", "GET"): "account",
    ("/api/v1/me/notices/mutes", "GET"): "account",
    # Each person their own: tests/unit/views/api/test_notices.py.
    ("/api/v1/me/notices/marks", "POST"): "api own",
    ("/api/v1/me/notices/mutes", "POST"): "api own",
    ("/api/v1/me/notices/mutes", "DELETE"): "api own",
    ("/api/v1/me/tokens", "GET"): "account",
    (API_HUB, "GET"): "view",
    (API_HUB + "/feed", "GET"): "view",
    ("/api/v1/announcements", "GET"): "all",
    (API_HUB + "/announcements", "GET"): "view",
    (API_HUB + "/announcements", "POST"): "api edit",
    # tests/unit/views/home/test_announcements.py
    ("/api/v1/announcements", "POST"): "api own",
    ("/api/v1/announcements/<int(max=2147483647):number>", "DELETE"): "api own",
    (API_HUB + "/roles", "GET"): "view",
    (API_HUB + "/pages", "GET"): "view",
    (API_HUB + "/pages", "POST"): "api edit",
    # There are none here; tests/unit/views/hub/test_pages.py has owner, member, stranger and visitor.
    (HUB + "p/<slug>/", "GET"): "page",
    (API_HUB + "/pages/<slug>", "GET"): "api page",
    (API_HUB + "/pages/<slug>", "PATCH"): "api page",
    (API_HUB + "/pages/<slug>", "DELETE"): "api page",
    (API_HUB + "/widgets", "GET"): "view",
    (API_WIDGET, "GET"): "view",
    # Writes to the API need a token: tests/unit/views/api/test_access.py walks them.
    (API_HUB, "PATCH"): "api edit",
    (API_HUB + "/widgets", "POST"): "api edit",
    (API_HUB + "/roles/<username>/<any(owner, member, subscriber, stargazer):role>", "PUT"): "api edit",
    (API_WIDGET, "PATCH"): "api edit",
    (API_WIDGET, "DELETE"): "api edit",
    # Owners, and each person their own: tests/unit/views/api/test_roles.py and test_me.py.
    (API_HUB + "/roles/<username>/<any(owner, member, subscriber, stargazer):role>", "DELETE"): "api own",
    ("/api/v1/me/tokens/<int(max=2147483647):number>", "DELETE"): "api own",
}
#: There is nobody to approve, remove or invite here; what these do is in test_members.
MISSES = (
    "/announcements/",
    "/t/otters/withdraw",
    "/t/otters/requests",
    "/t/otters/roles",
    "/t/otters/invitations",
    "/me/invitations/",
    "/me/bookmarks",
    "/me/notices",
    "/me/deleted/",
    "/t/otters/edit/widget/feed/copy",
    "/t/otters/settings/name",
    "/t/otters/settings/keys",
    "/t/otters/settings/webhooks",
    "/t/otters/settings/delete",
    "/stream/",
    "/me/tokens/",
    "/me/delete",
)


def allowed(rule: str, role: str, visibility: Visibility) -> bool:
    sees = {
        Visibility.PUBLIC: True,
        Visibility.SIGNED_IN: role != "visitor",
        Visibility.MEMBERS: role in ("member", "owner"),
        Visibility.OWNERS: role == "owner",
    }[visibility]
    if rule in ("all", "account", "admin"):  # whatever the hub is; none of these five runs the instance
        return rule == "all" or (rule == "account" and role != "visitor")
    rules = {
        "view": True,
        "public": visibility == Visibility.PUBLIC,
        "signed in": role != "visitor",
        # Visitors are led through sign-in: tests/unit/views/account/test_intents.py.
        "join": role in ("visitor", "stranger", "subscriber"),
        "edit": role == "owner",
    }
    return sees and rules[rule]


def cut_list(hub: Hub) -> Widget:
    """Return a widget that has every page that a widget can have."""
    return next(row for row in hub.widgets if row.plugin == "members")


def path_of(route: str, hub: Hub) -> str:
    return (
        route.replace("<any(u, t):space>/<name>", "t/otters")
        .replace("<any(owner, member, subscriber, stargazer):role>", "member")
        .replace("<username>", "member")
        .replace("<int(max=2147483647):number>", str(cut_list(hub).id))
        .replace("<plugin>", "about")
        .replace("<key>", "feed")
        .replace("/api/v1/search", "/api/v1/search?q=otters")
        .replace("/language", "/language?lang=en")
        .replace("<any(subscribe, unsubscribe, star, unstar, leave):act>", "star")
        .replace("<any(subscribe, star):act>", "star")
        .replace("<day>", now().date().isoformat())
        .replace("<int:widget_id>", str(cut_list(hub).id))
        .replace("<int:number>", str(cut_list(hub).id))
        .replace("<int:size>", "192")
        .replace("<int:token>", "1")
        .replace("<int:hub_id>", str(hub.id))
        .replace("<path:filename>", "css/base.css")
    )


def test_every_route_has_a_rule(app: Flask) -> None:
    routes = {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == set(RULES)


def walked(rule: str, visibility: Visibility) -> bool:
    """Return whether a rule is checked at a visibility: one that does not depend on it, at its two ends."""
    if rule in WITHOUT_HUB:
        return visibility in (Visibility.PUBLIC, Visibility.OWNERS)
    return rule not in UNWALKED and not rule.startswith("api")


@pytest.mark.parametrize(("role", "visibility"), list(itertools.product(ROLES, Visibility)))
def test_the_rules_hold(client: FlaskClient, session: Session, otters: Hub, role: str, visibility: Visibility) -> None:
    otters.visibility = visibility
    session.commit()
    if role != "visitor":
        sign_in(client, role)
    # What changes the session comes last.
    last = ["/me/delete", "/logout"]
    ordered = sorted(RULES.items(), key=lambda item: last.index(item[0][0]) if item[0][0] in last else -1)
    for (route, method), rule in ordered:
        if not walked(rule, visibility):
            continue
        path = path_of(route, otters)
        fields = {"act": "down", "key": "feed", "number": "1", "display_name": "Otters", "left_width": "8"}
        fields |= {"username": role if role != "visitor" else "newcomer", "activity": "public", "timezone": "UTC"}
        fields |= {"name": "builder", "days": "7", "scope": "read", "template": "team"}
        fields |= {"visibility": visibility.value, "join_mode": "request", "title": "News"}
        if path == "/t/otters/settings/name":
            fields["name"] = "otters"  # another one would end the walk
        if (path, method) == ("/login", "POST") and role == "visitor":
            continue
        answer = client.get(path) if method == "GET" else post(client, path, **fields)
        answer.close()
        if rule == "provider":  # none is set up here: tests/browser/test_sign_in.py has one
            assert answer.status_code == 404
            continue
        if method == "POST" and path.startswith(MISSES) and allowed(rule, role, visibility):
            assert answer.status_code in (303, 400, 404, 409), path
            continue
        if allowed(rule, role, visibility):
            assert answer.status_code < 400 or path in ("/healthz", "/readyz"), (path, method, answer.status_code)
        else:
            assert answer.status_code in (403, 404) or (path.startswith("/api/") and answer.status_code == 401), (
                path,
                method,
                answer.status_code,
            )
            if rule not in ("account", "admin") and not allowed("view", role, visibility):
                assert answer.status_code == 404, (path, method)


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("role", ROLES)
def test_every_view_of_a_widget_is_for_its_audience_only(
    app: Flask, client: FlaskClient, session: Session, otters: Hub, role: str
) -> None:
    """Walk hub's visibility × widget's visibility through all that reads: pages, fragment, JSON, stream."""
    if role != "visitor":
        sign_in(client, role)
    row = cut_list(otters)
    tokens = app.extensions["hubs"].tokens
    for outer, inner in itertools.product(Visibility, Visibility):
        otters.visibility, row.visibility = outer, inner
        session.commit()
        narrower = max(outer, inner, key=list(Visibility).index)
        sees = allowed("view", role, narrower)
        where = (role, outer, inner)
        for route in (route for route, method in RULES if "<int:widget_id>" in route and method == "GET"):
            status = client.get(path_of(route, otters)).status_code
            rule = RULES[route, "GET"]
            if rule in ("meetings", "machine"):
                continue
            assert (status == 200) is allowed(rule, role, narrower), (*where, route, status)
            assert sees or status == 404, (*where, route)
        if not allowed("view", role, outer):
            continue
        page = client.get("/t/otters/").get_data(as_text=True)
        assert (f'id="widget-{row.id}"' in page) is sees, where
        assert (f"/w/{row.id}/" in page) is sees, where
        assert (row.id in [widget["id"] for widget in client.get("/t/otters/json").json["widgets"]]) is sees, where
        together = client.get(f"/t/otters/fragments?widget={row.id}").json
        assert (row.id in [widget["widget"] for widget in together]) is sees, where
        stream = client.get("/t/otters/stream").json
        assert (str(row.id) in stream["widgets"]) is sees, where
        channel = hub_channel(otters.id, row.audience, "en")
        assert (channel in tokens.read(stream["token"]).channels) is sees, where


@pytest.mark.parametrize("role", ROLES)
def test_a_hidden_hub_answers_like_a_nonexistent_one(
    client: FlaskClient, session: Session, otters: Hub, role: str
) -> None:
    otters.visibility = Visibility.OWNERS
    otters.display_name = "Secret otters"
    session.commit()
    if role != "visitor":
        sign_in(client, role)
    for path in ("/", "/search?q=secret+otters", "/search?q=sekret", "/search/palette?q=secret", "/teams/"):
        assert ("Secret otters" in client.get(path).get_data(as_text=True)) is (role == "owner"), path
    if role == "owner":
        return
    for (route, method), rule in RULES.items():
        if rule in (
            "all",
            "account",
            "admin",
            "provider",
            "machine",
            "gallery",
            "sitemap",
            "logo",
            "picture",
        ) or rule.startswith("api"):
            continue
        number = cut_list(otters).id
        real = path_of(route, otters)
        none = real.replace("t/otters", "t/badgers").replace(f"/w/{number}/", f"/w/{number + 9000}/")
        none = none.replace(f"/widgets/{number}", f"/widgets/{number + 9000}")
        answers = [client.get(path) if method == "GET" else post(client, path) for path in (real, none)]
        assert {answer.status_code for answer in answers} == {404}, real
        # The tokens in forms carry the second in which they were made.
        first, second = (TOKEN.sub("token", answer.get_data(as_text=True)) for answer in answers)
        named = first.replace("otters", "badgers").replace(f"w/{number}/", f"w/{number + 9000}/")
        assert named.replace(f"w%2F{number}", f"w%2F{number + 9000}") == second, real
        heads = [{name: value for name, value in answer.headers if name != "Set-Cookie"} for answer in answers]
        assert heads[0].keys() == heads[1].keys()


def test_every_generated_path_has_a_route(app: Flask) -> None:
    adapter = app.url_map.bind("127.0.0.1")
    paths = [
        (urls.front(), "GET"),
        (urls.now(), "GET"),
        (urls.announcements(), "POST"),
        (urls.hub_announcements("team", "x"), "POST"),
        (urls.announcement_act(1, "dismiss"), "POST"),
        (urls.announcement_act(1, "withdraw"), "POST"),
        (urls.home("seen"), "POST"),
        (urls.hub_since("team", "x", "2026-11-01"), "GET"),
        (urls.new_hub(), "POST"),
        (urls.hub("user", "a b/ü"), "GET"),
        (urls.hub("team", "x"), "GET"),
        (urls.hub_page("team", "x", "start"), "GET"),
        (urls.hub("regional", "x"), "GET"),
        (urls.hub_json("team", "x"), "GET"),
        (urls.hub_stream("team", "x"), "GET"),
        (urls.hub_fragments("team", "x"), "GET"),
        (urls.hub_edit("team", "x"), "GET"),
        (urls.hub_settings("team", "x"), "POST"),
        (urls.hub_other("team", "x"), "GET"),
        (urls.hub_rename("team", "x"), "POST"),
        (urls.hub_file("team", "x"), "GET"),
        (urls.hub_delete("team", "x"), "POST"),
        (urls.deleted_hub(1), "POST"),
        (urls.hub_act("team", "x", "subscribe"), "POST"),
        (urls.hub_members("team", "x"), "GET"),
        (urls.hub_join("team", "x"), "POST"),
        (urls.me(), "GET"),
        (urls.my_invitation(1), "POST"),
        (urls.stream(show="mine"), "POST"),
        (urls.stream_new("", show="all"), "GET"),
        (urls.stream_token(), "GET"),
        (urls.bookmarks(), "POST"),
        (urls.my_notices(), "POST"),
        (urls.my_notices_part("count"), "GET"),
        (urls.my_mutes(), "GET"),
        (urls.my_act("export"), "POST"),
        (urls.my_act("delete"), "POST"),
        (urls.my_act("sign-out"), "POST"),
        (urls.my_tokens(), "POST"),
        (urls.my_token_revoke(1), "POST"),
        (urls.catalogue("team", "x", "left"), "GET"),
        (urls.draft_add("team", "x", "about", "left"), "POST"),
        (urls.draft_widget("team", "x", "feed-2"), "POST"),
        (urls.draft_copy("team", "x", "feed-2"), "POST"),
        (urls.hub_history("team", "x"), "POST"),
        (urls.hub_audit("team", "x"), "GET"),
        (urls.hub_keys("team", "x"), "POST"),
        (urls.hub_keys("team", "x", 1, "remove"), "POST"),
        (urls.audit(), "GET"),
        (urls.widget(1), "GET"),
        (urls.widget_fragment(1), "GET"),
        (urls.widget_json(1), "GET"),
        (urls.widget_settings(1), "POST"),
        (urls.widget_retry(1), "POST"),
        (urls.gallery(), "GET"),
        (urls.gallery("sticky"), "GET"),
        (urls.push(1), "PUT"),
        (urls.push_tokens(1), "POST"),
        (urls.push_token_revoke(1, 2), "POST"),
        (urls.search("otters"), "GET"),
        (urls.hub_atom("team", "x"), "GET"),
        (api_urls.front(), "GET"),
        (api_urls.document(), "GET"),
        (api_urls.hub("user", "x"), "PATCH"),
        (api_urls.widget(1), "DELETE"),
        (urls.palette(), "GET"),
        (urls.pick_people(), "GET"),
        (urls.pick_zones(), "GET"),
        (urls.teams(state="idle"), "GET"),
        (urls.people(), "GET"),
        (urls.login(), "GET"),
        (urls.login_start(), "GET"),
        (urls.login_callback(), "GET"),
        (urls.login_backchannel(), "POST"),
        (urls.logout(), "POST"),
        (urls.static("css/base.css"), "GET"),
        (urls.hub_card("team", "x"), "GET"),
        (urls.picture("0a"), "GET"),
        (urls.embed(1), "GET"),
        (urls.oembed("x"), "GET"),
        (urls.robots(), "GET"),
        (urls.sitemap(), "GET"),
        (urls.sitemap(3), "GET"),
        (urls.opensearch(), "GET"),
        (urls.manifest(), "GET"),
        (urls.favicon(), "GET"),
        (urls.icon(192), "GET"),
        (urls.icon(512, maskable=True), "GET"),
        (urls.logo(), "GET"),
        (urls.site_css("a"), "GET"),
    ]
    functions = [function for _name, function in inspect.getmembers(urls, inspect.isfunction)]
    paths_of = [function for function in functions if function.__module__ not in (scripts.__name__, styles.__name__)]
    assert 70 < len(paths_of) <= len(paths)
    for path, method in paths:
        bare = path.split("?")[0]
        if "%2F" not in bare:
            assert adapter.match(bare, method)
