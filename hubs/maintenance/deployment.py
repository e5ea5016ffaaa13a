"""Writes the units, the nginx site, the settings and the bus configuration for this machine."""

import os
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

#: What the shipped files say, and what `Machine` replaces.
HOST, BIN = "hubs.example.org", "/opt/hubs/bin"
CERTIFICATE, KEY = "/etc/hubs/tls/fullchain.pem", "/etc/hubs/tls/privkey.pem"
#: The folders and the group of an installation; they are fixed, since units and documents name them.
CONFIG, STATIC, DOCS = Path("etc/hubs"), Path("var/www/hubs/static"), Path("var/www/hubs/docs")
GROUP = "hubs"
_ENVIRONMENT, _UPSTREAMS = "hubs.env", "hubs-upstreams.conf"


@dataclass(frozen=True)
class Machine:
    """What differs between machines."""

    host: str = HOST
    bin: Path = Path(BIN)
    certificate: str = CERTIFICATE
    key: str = KEY


def location(packaged: str, top: str) -> Path:
    """Return a folder that the package carries, or the one at the top of a source tree."""
    package = Path(str(files("hubs")))
    return package / packaged if (package / packaged).is_dir() else package.parent / top


def write(root: Path, machine: Machine) -> list[Path]:
    """Write everything under ``root``, which is ``/`` on the machine itself; return the files that were written.

    Files of an earlier deployment are replaced, except the settings, the bus configuration, certificates, and the
    addresses to which nginx passes requests.
    """
    source = location("_deploy", "deploy")
    written = [
        _replace(path, root / "etc/systemd/system" / path.name, machine)
        for path in sorted((source / "systemd").iterdir())
        if path.suffix in (".service", ".socket", ".timer")
    ]
    for path in sorted((source / "nginx").glob("*.conf")):
        folder = root / "etc/nginx/conf.d" if path.name == "hubs.conf" else root / "etc/nginx"
        if path.name != _UPSTREAMS or not (folder / path.name).exists():
            written.append(_replace(path, folder / path.name, machine))
    for kind in ("sysusers", "tmpfiles"):
        written.append(_replace(source / kind / "hubs.conf", root / f"etc/{kind}.d/hubs.conf", machine))
    written.append(_replace(source / "bin" / "hubs", root / "usr/local/sbin/hubs", machine))
    written[-1].chmod(0o755)
    documentation = location("_docs", "build/docs")
    if (documentation / "index.html").is_file():  # only where it was built
        shutil.copytree(documentation, root / DOCS, dirs_exist_ok=True)
        written.append(root / DOCS)
    return written + _configuration(root, source, machine)


def _configuration(root: Path, source: Path, machine: Machine) -> list[Path]:
    """Write what is kept once it exists: settings with a generated key, bus configuration, a certificate."""
    config = root / CONFIG
    config.mkdir(parents=True, exist_ok=True)
    config.chmod(0o750)
    written = []
    if not (config / _ENVIRONMENT).exists():
        written.append(_environment(source / "systemd" / _ENVIRONMENT, config / _ENVIRONMENT, machine))
    if not (config / "fedmsg.d").exists():
        bus = location("_fedmsg", "fedmsg.d")
        shutil.copytree(bus, config / "fedmsg.d", ignore=shutil.ignore_patterns("__pycache__", "__init__.py"))
        written.append(config / "fedmsg.d")
    if machine.certificate == CERTIFICATE and not (root / CERTIFICATE[1:]).exists():
        written += _self_signed(root / CERTIFICATE[1:], root / KEY[1:], machine.host)
    for path in (config, *written):
        # Fails where the user does not exist yet, or without the right to do so: then the owner stays.
        with suppress(LookupError, PermissionError):
            if path.suffix != ".pem":
                shutil.chown(path, "root", GROUP)
    return written


def _environment(source: Path, target: Path, machine: Machine) -> Path:
    text = _adapted(source.read_text(encoding="utf-8"), machine)
    key = secrets.token_urlsafe(48)
    lines = [f"{line}{key}" if line == "HUBS_SECRET_KEY=" else line for line in text.splitlines()]
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    target.chmod(0o640)  # whatever the umask is
    return target


def _self_signed(certificate: Path, key: Path, host: str) -> list[Path]:
    """Write a certificate that browsers warn about, so that nginx starts and certbot can use it to get a real one."""
    private, name, now = ec.generate_private_key(ec.SECP256R1()), _name(host), datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(private, hashes.SHA256())
    )
    certificate.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    key.touch(mode=0o600)
    key.write_bytes(
        private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    certificate.write_bytes(signed.public_bytes(pem))
    return [certificate, key]


def _name(host: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host[:64])])


def _replace(source: Path, target: Path, machine: Machine) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_adapted(source.read_text(encoding="utf-8"), machine), encoding="utf-8")
    return target


def _adapted(text: str, machine: Machine) -> str:
    """Return a shipped file for this machine."""
    text = text.replace(HOST, machine.host).replace(BIN, str(machine.bin))
    return text.replace(CERTIFICATE, machine.certificate).replace(KEY, machine.key)
