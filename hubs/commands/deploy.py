"""The command ``hubs deploy``."""

import os
import sys
from pathlib import Path

import click

import hubs
from hubs import urls
from hubs.maintenance import deployment
from hubs.maintenance.deployment import Machine
from hubs.views.web import static_files


@click.command()
@click.option(
    "--to", "root", required=True, type=click.Path(file_okay=False, path_type=Path), help="/ or another root."
)
@click.option("--host", default=deployment.HOST, show_default=True, help="Host name at which people reach the pages.")
@click.option("--certificate", default=deployment.CERTIFICATE, show_default=True, help="Certificate chain for nginx.")
@click.option("--key", default=deployment.KEY, show_default=True, help="Its private key.")
def deploy(root: Path, host: str, certificate: str, key: str) -> None:
    """Write units, nginx site, settings and bus configuration for this machine under the folder --to.

    Repeat it after an upgrade. Settings (with a generated key), bus configuration and certificates are never replaced.
    """
    # nginx reads most of it as another user, and /usr/local/sbin/hubs lets nobody else read what it writes. What is
    # private gets a mode of its own.
    os.umask(0o022)
    programs = Path(sys.executable).parent
    for path in deployment.write(root, Machine(host, programs, certificate, key)):
        click.echo(path)
    if version := urls.static_version():
        folder = root / deployment.STATIC / f"v-{version}"
        static_files.write(Path(hubs.__file__).parent / "static", folder)
        click.echo(folder)
