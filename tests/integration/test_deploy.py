"""What `hubs deploy` writes: accepted by systemd and nginx, private, and started as written."""

import os
import re
import shlex
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from click.testing import CliRunner

from hubs import __version__, urls
from hubs.cli import cli
from hubs.maintenance import probe
from hubs.maintenance.deployment import Machine, write
from hubs.models import Database, migrations
from tests.installing import install
from tests.services import BIN, HOST, Service, answers, base_env, free_port, wait_for
from tests.stack import ROOT, command_of

OTTERS = Machine("otters.example.org", BIN)


def run(*command: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_systemd_accepts_the_units_of_this_machine(tmp_path: Path) -> None:
    units = [path for path in write(tmp_path, OTTERS) if path.parent.name == "system"]
    assert len(units) == 12
    done = run("systemd-analyze", "verify", "--man=no", *units)
    assert not [line for line in done.stderr.splitlines() if "hubs-" in line]
    for path in units:
        for line in re.findall(r"^ExecStart(?:Post)?=(\S+)", path.read_text(), re.MULTILINE):
            assert Path(line).exists(), f"{path.name}: {line}"


def test_nginx_accepts_the_site_with_its_first_certificate(tmp_path: Path) -> None:
    tls = [str(tmp_path / "etc/hubs/tls" / name) for name in ("fullchain.pem", "privkey.pem")]
    write(tmp_path, OTTERS)
    site = tmp_path / "etc/nginx/conf.d/hubs.conf"
    text = site.read_text()
    assert "hubs.example.org" not in text
    assert "/etc/pki" not in text
    for shipped, ours in zip(("/etc/hubs/tls/fullchain.pem", "/etc/hubs/tls/privkey.pem"), tls, strict=True):
        assert shipped in text
        text = text.replace(shipped, ours)
    for port in ("80", "443 ssl http2"):
        text = text.replace(f"listen {port}", f"listen {HOST}:{free_port()}{port.lstrip('0123456789')}")
    text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
    site.write_text(text.replace("/var/log/nginx/hubs.log", str(tmp_path / "access.log")))
    main = tmp_path / "etc/nginx/nginx.conf"
    main.write_text(f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ include conf.d/*.conf; }}\n")
    run("nginx", "-t", "-p", tmp_path, "-c", main)
    ssl.create_default_context().load_verify_locations(tls[0])


def test_settings_are_private_and_survive_the_next_deployment(tmp_path: Path) -> None:
    first = write(tmp_path, OTTERS)
    env, config = tmp_path / "etc/hubs/hubs.env", tmp_path / "etc/hubs"
    assert stat.S_IMODE(env.stat().st_mode) == 0o640
    assert stat.S_IMODE(config.stat().st_mode) == 0o750
    assert stat.S_IMODE((config / "tls/privkey.pem").stat().st_mode) == 0o600
    (key,) = re.findall(r"^HUBS_SECRET_KEY=(\S{64})$", env.read_text(), re.MULTILINE)
    assert "HUBS_SITE_URL=https://otters.example.org\n" in env.read_text()
    assert sorted(path.name for path in (config / "fedmsg.d").iterdir())
    (config / "fedmsg.d" / "base.py").write_text("changed = True\n")
    upstreams = tmp_path / "etc/nginx/hubs-upstreams.conf"
    upstreams.write_text("# several machines\n")

    second = write(tmp_path, Machine("seals.example.org", BIN))
    assert set(first) - set(second) == {env, upstreams, config / "fedmsg.d", *(config / "tls").iterdir()}
    assert upstreams.read_text() == "# several machines\n"
    assert key in env.read_text()
    assert (config / "fedmsg.d" / "base.py").read_text() == "changed = True\n"
    assert "seals.example.org" in (tmp_path / "etc/nginx/conf.d/hubs.conf").read_text()
    other = tmp_path / "other"
    write(other, OTTERS)
    assert key not in (other / "etc/hubs/hubs.env").read_text()


def test_nginx_may_read_its_files_where_commands_write_for_their_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urls, "static_version", lambda: "0123abcd")  # as in an installation
    before = os.umask(0o077)
    try:
        done = CliRunner().invoke(cli, ["deploy", "--to", str(tmp_path), "--host", "otters.example.org"])
    finally:
        os.umask(before)
    assert done.exit_code == 0, done.output
    files = [*(tmp_path / "var/www").rglob("*"), *(tmp_path / "etc/nginx").rglob("*")]
    assert {"hubs.css", "hubs.conf"} <= {path.name for path in files}
    wanted = {path: 0o755 if path.is_dir() else 0o644 for path in files}
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in files} == wanted
    assert stat.S_IMODE((tmp_path / "etc/hubs/tls").stat().st_mode) == 0o700


def test_a_certificate_of_ones_own_is_used(tmp_path: Path) -> None:
    write(tmp_path, Machine("otters.example.org", BIN, "/etc/ssl/otters.pem", "/etc/ssl/otters.key"))
    site = (tmp_path / "etc/nginx/conf.d/hubs.conf").read_text()
    assert re.search(r"ssl_certificate +/etc/ssl/otters.pem;\n +ssl_certificate_key +/etc/ssl/otters.key;", site)
    assert not (tmp_path / "etc/hubs/tls").exists()


def test_the_relay_is_active_only_once_it_listens(tmp_path: Path) -> None:
    port = free_port()
    assert not probe.wait(f"tcp://{HOST}:{port}", 0.3)
    command = [sys.executable, "-m", "hubs.maintenance.probe"]
    env = {**base_env(), "HUBS_BUS_INBOUND": f"tcp://{HOST}:{port}", "HUBS_BUS_OUTBOUND": f"tcp://{HOST}:{free_port()}"}
    waiting = Service(command, tmp_path, "probe", env, cwd=ROOT)
    relay = Service([str(BIN / "fedmsg-relay")], tmp_path, "relay", env, cwd=ROOT)
    try:
        assert waiting.process.wait(20) == 0
    finally:
        relay.stop()


def proportional_memory(pid: str) -> float:
    """Return the memory of a process in MB; what several share counts in parts."""
    (line,) = re.findall(r"^Pss: *(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(line) / 1000


@pytest.mark.parametrize("threads", ["4", pytest.param("many", marks=pytest.mark.slow)])
def test_a_gunicorn_unit_is_active_only_once_a_worker_has_loaded_the_application(tmp_path: Path, threads: str) -> None:
    env = {
        **base_env(),
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "HUBS_DATA_DIR": str(tmp_path),
        "HUBS_REBUILD_THREADS": threads,
    }
    database = Database(f"sqlite:///{tmp_path}/hubs.db")
    migrations.upgrade(database)
    database.dispose()
    command = [*command_of(ROOT / "deploy/systemd/hubs-web.service"), "--bind", f"{HOST}:{free_port()}"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(env["NOTIFY_SOCKET"])
        notify.settimeout(60 if threads == "4" else 1)
        service = Service(command, tmp_path, "web", env, cwd=ROOT)
        try:
            if threads == "4":
                assert notify.recv(200).startswith(b"READY=1")
                assert "cannot be used" not in service.log()
                workers = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
                # They share what the arbiter has imported; each would need 120 MB alone.
                assert max(proportional_memory(worker) for worker in workers) < 90
            else:  # gunicorn's arbiter runs, its workers fail
                service.ended(60)
                assert "cannot be used" in service.log()
                with pytest.raises(TimeoutError):
                    notify.recv(200)
        finally:
            if service.process.poll() is None:
                service.stop()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the programs of a new virtual environment with the wheel; it shares the libraries of this one."""
    folder = tmp_path_factory.mktemp("opt") / "hubs"
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    install(ROOT, site)
    shutil.rmtree(site / "bin")
    (site / "libraries.pth").write_text(sysconfig_purelib())
    for name in ("hubs", "gunicorn", "fedmsg-hub", "fedmsg-relay", "hubs-worker"):
        script = (BIN / name).read_text().partition("\n")[2]
        (folder / "bin" / name).write_text(f"#!{folder}/bin/python\n{script}")
        (folder / "bin" / name).chmod(0o755)
    return folder / "bin"


def sysconfig_purelib() -> str:
    import sysconfig  # noqa: PLC0415

    return sysconfig.get_paths()["purelib"] + "\n"


def plain_environment(home: Path) -> dict[str, str]:
    """Return an environment without settings."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LOGNAME": "hubs"}


def environment_of(path: Path) -> dict[str, str]:
    """Read an environment file as systemd does."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(shlex.split(line)[0].split("=", 1) for line in lines)


@pytest.mark.slow
def test_an_installed_instance_starts_as_its_units_say(fresh: Path, redis_port: int, tmp_path: Path) -> None:
    root, plain = tmp_path / "root", plain_environment(tmp_path)
    output = run(fresh / "hubs", "deploy", "--to", root, "--host", "otters.example.org", env=plain).stdout
    assert len(list((root / "var/www/hubs/static").glob("v-*/css/base.css*"))) == 3, output
    assert (next(fresh.parent.glob("lib/python3*/site-packages/fedora_hubs-*/licenses/LICENSE"))).is_file()
    # As written, but for the services that this machine has no instance of.
    env = {**plain, **environment_of(root / "etc/hubs/hubs.env")}
    env.update(HUBS_DATABASE_URL="", HUBS_CACHE_URL="", HUBS_DATA_DIR=str(tmp_path / "data"))
    env["HUBS_REDIS_URL"] = f"redis://{HOST}:{redis_port}/0"
    assert "The schema is" in run(fresh / "hubs", "db", "upgrade", env=env).stdout
    assert "The current settings are valid." in run(fresh / "hubs", "settings", env=env).stdout
    for name, path in (("hubs-web", "/healthz"), ("hubs-eventsource", "/healthz")):
        unit, port = (root / f"etc/systemd/system/{name}.service").read_text(), free_port()
        (line,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
        assert line.startswith(str(fresh))
        command = shlex.split(re.sub(r"127\.0\.0\.1:800\d", f"{HOST}:{port}", line))
        service = Service(command, tmp_path, name, env, cwd=root / "etc/hubs")
        try:
            wait_for(lambda port=port, path=path: answers(f"http://{HOST}:{port}{path}"), name)
        finally:
            service.stop()


@pytest.mark.slow
def test_the_rpm_spec_builds_a_package_whose_programs_start(tmp_path: Path) -> None:
    version = __version__
    archive, top = tmp_path / f"fedora_hubs-{version}.tar.gz", tmp_path / "rpm"
    listed = run("git", "-C", ROOT, "ls-files").stdout.split("\n")
    names = [name for name in listed if name and (ROOT / name).is_file() and not name.startswith("tests/")]
    run("tar", "-C", ROOT, "-czf", archive, f"--transform=s,^,fedora_hubs-{version}/,", *names)
    # The libraries of this environment stand for those that a build fetches.
    env = {**plain_environment(tmp_path), "PYTHONPATH": sysconfig_purelib().strip(), "PIP_NO_INDEX": "1"}
    build = ["rpmbuild", "-tb", "--nodeps", "--without", "libraries", "--define", f"_topdir {top}"]
    run(*build, "--define", "_binary_payload w1.gzdio", archive, env=env)
    (package,) = top.glob("RPMS/*/fedora-hubs-*.rpm")
    files = run("rpm", "-qlp", "--dbpath", tmp_path / "db", package).stdout
    assert "/opt/hubs/bin/hubs\n" in files
    assert "hubs/_deploy/systemd/hubs-web.service\n" in files
    root = tmp_path / "root"
    root.mkdir()
    run("rpm2archive", package)
    run("tar", "-C", root, "-xzf", f"{package}.tgz")
    program = (root / "opt/hubs/bin/hubs").read_text()
    assert program.startswith("#!/opt/hubs/bin/python")
    assert str(top).encode() not in b"".join(
        path.read_bytes() for path in root.glob("opt/hubs/bin/*") if path.is_file()
    )
    shown = run(root / "opt/hubs/bin/python", "-m", "hubs", "--version", env=env).stdout
    assert version in shown
