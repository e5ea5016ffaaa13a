"""Signing in and out at a real OpenID provider, in a browser, and everything that can go wrong on the way."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles as role_actions
from hubs.models import Hub, Role, RoleName, SignIn, User
from hubs.widgets.registry import Registry
from tests.provider import Site, site

Open = Callable[[Site], Page]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("pages")) as pages:
        yield pages


@pytest.fixture
def browse(chromium: Browser) -> Iterator[Open]:
    contexts: list[BrowserContext] = []

    def open_page(at: Site) -> Page:
        contexts.append(chromium.new_context(base_url=at.url))
        return contexts[-1].new_page()

    yield open_page
    for context in contexts:
        context.close()


def begin(page: Page, path: str = "/login") -> None:
    page.goto(path)
    page.get_by_role("link", name=re.compile("Sign in at")).click()


def authenticate(page: Page, username: str) -> None:
    """Answer the provider's own pages: who one is, and that one agrees."""
    page.fill("input[name=login]", username)
    page.fill("input[name=password]", "anything")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def enter(page: Page, username: str, path: str = "/login") -> None:
    begin(page, path)
    authenticate(page, username)
    page.get_by_text(f"Welcome, {username.title()}").wait_for()


def count(session: Session, table: type) -> int:
    return int(session.query(table).count())


def test_the_first_sign_in_makes_the_account_from_the_claims_and_leads_back(here: Site, browse: Open) -> None:
    page = browse(here)
    enter(page, "ottoline", "/login?next=/u/ottoline/")
    assert urlsplit(page.url).path == "/u/ottoline/"
    with here.database.session() as session:
        user = session.query(User).filter_by(username="ottoline").one()
        assert (user.fullname, user.timezone, user.subject) == ("Ottoline Brand", "Europe/Oslo", "ottoline")
        assert user.issuer == here.issuer
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies(here.url)}  # type: ignore[typeddict-item]
    assert cookies["hubs"]["httpOnly"]
    assert cookies["hubs"]["sameSite"] == "Lax"


@pytest.mark.slow
def test_two_tabs_sign_in_at_the_same_time(here: Site, browse: Open) -> None:
    first = browse(here)
    second = first.context.new_page()
    begin(first, "/login?next=/teams/")
    begin(second, "/login?next=/people/")
    authenticate(first, "bertil")
    second.fill("input[name=login]", "bertil")
    second.fill("input[name=password]", "anything")
    second.get_by_role("button", name="Sign-in").click()  # consent was given in the first tab
    for tab, path in ((first, "/teams/"), (second, "/people/")):
        tab.get_by_text("Welcome, Bertil").wait_for()
        assert urlsplit(tab.url).path == path


@pytest.mark.slow
def test_typed_text_survives_a_sign_in_elsewhere(here: Site, browse: Open) -> None:
    page = browse(here)
    enter(page, "ottoline")
    page.goto("/me/")
    page.get_by_label("Full name").fill("Ottoline “Otto” Brand")
    page.context.clear_cookies()
    save = page.locator("main form").first.get_by_role("button", name="Save")
    save.click()
    expect(page.get_by_text("You were signed out. Sign in and send it again.")).to_be_visible()
    with page.context.expect_page() as opened:
        page.locator("main").get_by_role("link", name="Sign in").click()
    tab = opened.value
    tab.get_by_role("link", name=re.compile("Sign in at")).click()
    authenticate(tab, "ottoline")
    tab.get_by_text("Welcome, Ottoline").wait_for()
    tab.close()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("You are signed in as ottoline.")).to_be_visible()
    expect(page.get_by_label("Full name")).to_have_value("Ottoline “Otto” Brand")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Full name")).to_have_value("Ottoline “Otto” Brand")


def test_the_way_to_the_provider_uses_pkce_nonce_and_our_own_address(here: Site) -> None:
    client = here.app.test_client()
    answer = client.get("/login/start", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    sent = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert sent["redirect_uri"] == [f"{here.url}/login/callback"]
    assert sent["code_challenge_method"] == ["S256"]
    assert len(sent["nonce"][0]) >= 16
    assert len(sent["state"][0]) >= 16
    assert sent["response_type"] == ["code"]


def test_signing_out_signs_out_here_and_at_the_provider(here: Site, browse: Open) -> None:
    page = browse(here)
    enter(page, "bertil")
    stolen = page.context.cookies(here.url)
    page.locator("summary.who").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url(f"{here.url}/")
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    begin(page)
    expect(page.locator("input[name=login]")).to_be_visible()  # the provider requires a new login
    other = browse(here)
    other.context.add_cookies(stolen)  # type: ignore[arg-type]
    other.goto("/")
    expect(other.get_by_role("link", name="Sign in").first).to_be_visible()  # the old cookie is worth nothing


def test_signing_out_at_the_provider_signs_out_here(here: Site, browse: Open) -> None:
    page = browse(here)
    enter(page, "bertil")
    page.goto(f"{here.issuer}/session/end")
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url(re.compile("session/end/success"))
    page.goto(f"{here.url}/me/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert urlsplit(page.url).path == "/login"


def test_a_logout_token_with_a_forged_signature_is_ignored(here: Site, browse: Open) -> None:
    page = browse(here)
    enter(page, "bertil")
    for token in ("", "x.y.z", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzdWItYmVydGlsIn0."):
        answer = here.app.test_client().post("/login/backchannel", data={"logout_token": token})
        assert answer.status_code == 403
    page.goto("/me/")
    expect(page.get_by_role("heading", name="My account", exact=True)).to_be_visible()


def test_refusing_consent_signs_nobody_in_and_says_so(here: Site, browse: Open) -> None:
    page = browse(here)
    begin(page)
    page.get_by_role("link", name=re.compile("Cancel")).click()
    expect(page.get_by_text("You did not allow this site")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()


def test_an_answer_to_another_attempt_is_refused(here: Site, browse: Open) -> None:
    with here.database.session() as session:
        before = count(session, SignIn)
    answer = here.app.test_client().get("/login/callback?code=stolen&state=unknown")
    assert answer.status_code == 403
    page = browse(here)
    sent = page.request.get("/login/start", max_redirects=0)
    page.goto(re.sub(r"nonce=[^&]+", "nonce=of-another-attempt-altogether", sent.headers["location"]))
    authenticate(page, "bertil")
    expect(page.get_by_text("does not belong to this sign-in attempt")).to_be_visible()
    with here.database.session() as session:
        assert count(session, SignIn) == before


@pytest.mark.parametrize(
    ("skew", "good"),
    [
        (60, True),
        (-3600, False),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in ((-60, True), (3600, False))),
    ],
)
def test_clocks_may_differ_by_two_minutes_and_an_expired_token_is_refused(
    tmp_path: Path, browse: Open, skew: int, good: bool
) -> None:
    with site(tmp_path, skew=skew) as skewed:
        page = browse(skewed)
        begin(page)
        authenticate(page, "ottoline")
        expected = "Welcome, Ottoline" if good else "the clocks of this server and of the provider differ"
        expect(page.get_by_text(expected)).to_be_visible()
        with skewed.database.session() as session:
            assert count(session, SignIn) == int(good)


def test_a_provider_that_is_down_is_a_page_that_says_what_to_do(tmp_path: Path, browse: Open) -> None:
    with site(tmp_path) as alone:
        page = browse(alone)
        alone.provider.stop()
        page.goto("/login")
        page.get_by_role("link", name=re.compile("Sign in at")).click()
        expect(page.get_by_text("is not responding")).to_be_visible()
        expect(page.get_by_text("try again in a few minutes")).to_be_visible()
        page.goto("/")
        expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_everything_works_without_javascript(here: Site, chromium: Browser) -> None:
    context = chromium.new_context(base_url=here.url, java_script_enabled=False)
    page = context.new_page()
    enter(page, "ottoline")
    page.goto("/me/")
    expect(page.get_by_role("heading", name="My account", exact=True)).to_be_visible()
    context.close()


def test_a_name_that_belongs_to_another_account_is_not_taken_over(here: Site, browse: Open) -> None:
    with here.database.transaction() as session:
        user = role_actions.sign_up(session, Registry(), "cleo")
        user.issuer, user.subject = here.issuer, "somebody-else"
    page = browse(here)
    begin(page)
    authenticate(page, "cleo")
    expect(page.get_by_text("belongs to another account here")).to_be_visible()
    with here.database.session() as session:
        assert session.query(User).filter_by(username="cleo").one().subject == "somebody-else"


def test_groups_of_the_provider_make_and_end_membership(tmp_path: Path, browse: Open) -> None:
    with site(tmp_path) as here:
        with here.database.transaction() as session:
            founder = role_actions.sign_up(session, Registry(), "dora")
            ottoline = role_actions.sign_up(session, Registry(), "ottoline")
            hubs = {
                name: hub_actions.create(session, Registry(), founder, "team", name)
                for name in ("otters", "readers", "free")
            }
            hubs["otters"].group_name, hubs["readers"].group_name = "otters", "readers"
            for name in ("readers", "free"):
                role_actions.grant_role_unchecked(session, "dora", hubs[name], ottoline, RoleName.MEMBER)
        enter(browse(here), "ottoline")
        with here.database.session() as session:
            mine = session.query(Hub.name).join(Role).join(User).filter(User.username == "ottoline")
            assert {name for (name,) in mine.filter(Role.role == RoleName.MEMBER)} == {"otters", "free"}
