"""The command ``hubs doctor``."""

import json
import platform
import sys
from dataclasses import asdict

import click

from hubs import __version__
from hubs.errors import BadSetting
from hubs.maintenance.doctor import examine
from hubs.maintenance.findings import Finding
from hubs.settings import load


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def doctor(as_json: bool) -> None:
    """Check this instance: what works (✓), what does not (✗), and what to do. The exit code is 1 if anything is wrong.

    Run it as the user of the daemon, with the same settings.
    """
    try:
        settings = load()
        findings = [Finding("settings", True, "valid"), *examine(settings)]
    except BadSetting as error:
        findings = [Finding("settings", False, str(error))]
    findings.insert(0, Finding("version", True, f"Hubs {__version__}, Python {platform.python_version()}"))
    ok = all(finding.ok for finding in findings)
    if as_json:
        checks = [asdict(finding) for finding in findings]
        click.echo(json.dumps({"version": __version__, "ok": ok, "checks": checks}, indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(f"{'✓' if finding.ok else '✗'} {finding.name:<13} {finding.text}")
    sys.exit(0 if ok else 1)
