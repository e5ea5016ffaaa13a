"""nginx with our site, as shipped in deploy/nginx, on free loopback ports and without TLS."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.services import HOST, Service, base_env, free_port, listens
from tests.stack import ROOT

SITE = ROOT / "deploy" / "nginx"
#: What nginx can do with one key from memcached, without anything of ours.
_PLAIN = """
server {{
    listen {listen};
    access_log {log} hubs;
    location ~ ^/(?<plain_key>.+)$ {{
        set $memcached_key $plain_key;
        memcached_pass hubs_fragments;
        default_type text/html;
    }}
}}
"""


@dataclass(frozen=True)
class Front:
    """The ports of our site, of its redirect to HTTPS, and of a bare ``memcached_pass``."""

    port: int
    plain: int
    redirect: int = 0


def local_upstreams(memcached: int, web: int, stream: int) -> str:
    """Return the shipped addresses of the processes, with these ports."""
    upstreams = (SITE / "hubs-upstreams.conf").read_text()
    for shipped, ours in ((11211, memcached), (8000, web), (8001, stream)):
        upstreams = upstreams.replace(f"127.0.0.1:{shipped}", f"{HOST}:{ours}")
    return upstreams


def configure(
    folder: Path, upstreams: str, front: Front, certificate: tuple[Path, Path] | None = None, host: str = HOST
) -> Path:
    """Write the shipped site for these upstreams, on an address of this machine; return the configuration's path.

    Without ``certificate``, the paths of a certificate and its key, the site has no TLS and is named by its address;
    with one, its name is `localhost`.
    """
    for path in SITE.glob("hubs-*.conf"):
        shutil.copy(path, folder)
    (folder / "hubs-upstreams.conf").write_text(upstreams)
    site = (SITE / "hubs.conf").read_text()
    site = re.sub(r"^ *listen \[::\].*\n", "", site, flags=re.M)
    if certificate is None:
        site = re.sub(r"^ *ssl_.*\n", "", site, flags=re.M)
        site = site.replace(" ssl http2", "")
    else:
        for kind, file in zip(("", "_key"), certificate, strict=True):
            site = re.sub(rf"\b(ssl_certificate{kind} +)/.*;", rf"\g<1>{file};", site)
    for listen, port in (("443", front.port), ("80", front.redirect)):
        site = re.sub(rf"\blisten {listen}\b", f"listen {host}:{port}", site)
    site = site.replace("hubs.example.org", "localhost" if certificate else host)
    site = site.replace("/var/log/nginx/hubs.log", str(folder / "access.log"))
    kept = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    plain = _PLAIN.format(listen=f"{host}:{front.plain}", log=folder / "plain.log")
    user = "user root;" if os.getuid() == 0 else ""
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log warn; worker_processes 2; {user}\n"
        f"events {{ worker_connections 1024; }}\nhttp {{ {kept}\n{site}{plain}}}\n"
    )
    return path


@contextlib.contextmanager
def nginx(
    folder: Path, memcached: int, web: int, stream: int, certificate: tuple[Path, Path] | None = None, port: int = 0
) -> Iterator[Front]:
    """Run nginx with our site in front of these ports, on ``port`` or a free one."""
    front = Front(port or free_port(), free_port(), free_port())
    path = configure(folder, local_upstreams(memcached, web, stream), front, certificate)
    service = Service(["nginx", "-p", str(folder), "-c", str(path)], folder, f"nginx-{front.port}", base_env())
    try:
        service.ready(lambda: listens(front.port))
        yield front
    finally:
        service.stop()
