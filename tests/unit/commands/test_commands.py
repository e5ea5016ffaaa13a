"""The commands for administrators, on a real SQLite database."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy.orm import Session

from hubs import cache
from hubs.cli import cli
from hubs.errors import InvalidInput, NotFound
from hubs.fragments.store import FragmentStore
from hubs.models import Hub, RoleName
from hubs.widgets.registry import Registry
from tests.unit.conftest import KEY


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the commands to the test's database."""
    for name, value in {
        "HUBS_DATABASE_URL": f"sqlite:///{tmp_path / 'hubs.db'}",
        "HUBS_CACHE_URL": f"sqlite:///{tmp_path / 'cache.db'}",
        "HUBS_SECRET_KEY": KEY.decode(),
        "HUBS_PUBLISH": "0",
    }.items():
        monkeypatch.setenv(name, value)


def run(*words: str, stdin: str = "", fails: type[Exception] | None = None) -> Result:
    result = CliRunner().invoke(cli, words, input=stdin)
    if fails:
        assert isinstance(result.exception, fails), result.output
    else:
        assert result.exit_code == 0, (result.output, result.exception)
    return result


@pytest.mark.usefixtures("team")
def test_applying_an_exported_hub_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "otters.yaml"
    run("export", "otters", "-o", str(file))
    assert file.read_text().startswith("hub: otters\nkind: team\nsummary: We swim.\n")
    assert "0 changes were made" in run("apply", str(file)).output
    assert run("export", "t/otters").output == file.read_text()


def test_a_dry_run_shows_the_changes_without_making_them(session: Session, team: Hub) -> None:
    text = run("export", "otters").output.replace("We swim.", "We dive.")
    shown = run("apply", "-", "--dry-run", stdin=text).output
    assert "~ hub: summary: We swim. → We dive." in shown
    assert "nothing was changed" in shown
    session.refresh(team)
    assert team.summary == "We swim."
    run("apply", "-", stdin=text)
    session.refresh(team)
    assert team.summary == "We dive."


def test_long_texts_are_written_as_block_scalars(session: Session, team: Hub) -> None:
    team.description = "One.\n\nTwo: äöü."
    session.commit()
    assert "description: |-\n  One.\n\n  Two: äöü.\n" in run("export", "otters").output


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hub: [", "not valid YAML"),
        ("a: &x [1]\nhub: *x", "aliases"),
        ("hub: !!python/object/apply:os.system [ls]", "not valid YAML"),
        ("- a", "not a hub"),
        ("hub: otters\nheight: 3", "unknown field"),
        ("[" * 5000, "nested more than 30 levels"),
        ("x" * 1_000_001, "larger than"),
    ],
)
@pytest.mark.usefixtures("team")
def test_a_bad_file_is_refused_with_a_sentence(text: str, problem: str) -> None:
    assert problem in str(run("apply", "-", stdin=text, fails=InvalidInput).exception)


@pytest.mark.usefixtures("team")
def test_an_unknown_hub_is_reported() -> None:
    assert "no hub voles" in str(run("export", "voles", fails=NotFound).exception)
    assert "no hub x/otters" in str(run("export", "x/otters", fails=NotFound).exception)


def test_teams_are_created_listed_and_synchronised(session: Session, team: Hub) -> None:
    run("team", "create", "voles", "--owner", "owner", "--owner", "member", "--title", "The Voles")
    assert "voles\t2 members\tThe Voles" in run("team", "list").output
    run("team", "create", "spring-fair", "--owner", "owner", "--template", "event")
    assert "halp" not in run("export", "spring-fair").output
    assert "When and where" in run("export", "spring-fair").output
    shown = run("team", "sync", "otters", "-", "--dry-run", stdin="stranger # new\nnobody\n").output
    assert "+ stranger" in shown
    assert "- member" in shown
    assert "? nobody" in shown
    run("team", "sync", "otters", "-", stdin="stranger\n")
    session.expire_all()
    assert [user.username for user in team.people(RoleName.MEMBER)] == ["stranger"]


@pytest.mark.usefixtures("team")
def test_accounts_are_created_listed_and_shown() -> None:
    run("user", "add", "ottoline", "--name", "Ottoline Vane", "--timezone", "Europe/Oslo")
    assert "ottoline\tOttoline Vane" in run("user", "list").output
    assert "owner of user ottoline" in run("user", "show", "ottoline").output
    assert "no account nobody" in str(run("user", "show", "nobody", fails=NotFound).exception)


@pytest.mark.usefixtures("team")
def test_the_audit_log_shows_changes_made_by_a_command() -> None:
    run("team", "sync", "otters", "-", stdin="stranger\n")
    newest = run("audit", "--hub", "otters", "--limit", "1").output
    assert "\tcli\thubs.user.role." in newest
    assert run("audit", "--agent", "nobody").output == ""


def test_the_cache_is_counted_and_cleaned(session: Session, registry: Registry, team: Hub, tmp_path: Path) -> None:
    fragments = FragmentStore(registry, cache.SQLiteCache(tmp_path / "cache.db"), KEY, 3600)
    for row in team.widgets[:2]:
        fragments.build(row)
        fragments.build(row, "de")
    assert f"2 of {_widgets(session)} widgets" in run("cache", "coverage").output
    assert f"Removed the fragments of {len(team.widgets)} widgets" in run("cache", "clean", "otters").output
    assert "0 of " in run("cache", "coverage").output
    assert fragments.read_many(team.widgets, "de") == {}


def _widgets(session: Session) -> int:
    return sum(len(hub.widgets) for hub in session.query(Hub))


def test_every_command_is_listed_and_can_be_imported() -> None:
    listed = run("--help").output
    for name in ("up", "demo", "db", "export", "apply", "team", "user", "doctor", "backup", "widget"):
        assert f"\n  {name} " in listed
    assert "redis" in run("demo", "--help").output


def test_an_unknown_command_is_named() -> None:
    result = CliRunner().invoke(cli, ["dotcor"])
    assert result.exit_code == 2
    assert "No such command 'dotcor'" in result.output


def test_a_command_imports_what_it_needs_alone() -> None:
    code = "import sys, hubs.cli; hubs.cli.demo.get_command(None, 'redis'); sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_commands_and_pages_start_without_what_few_of_them_need() -> None:
    def imported(module: str) -> set[str]:
        argv = [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"]
        return set(subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split())

    assert imported("hubs.cli").isdisjoint({"sqlalchemy", "structlog", "pydantic", "jinja2"})
    rare = {
        "alembic",
        "celery",
        "cryptography.fernet",
        "fedmsg",
        "hubs.views.account.oidc_client",
        "icalendar",
        "structlog",
    }
    assert imported("hubs.app").isdisjoint(rare)
