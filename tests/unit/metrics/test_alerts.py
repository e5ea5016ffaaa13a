"""The alert rules name metrics and labels that exist, and the documentation says what to do on each alert."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hubs.metrics.families import FAMILIES

ROOT = Path(__file__).parents[3]
FILE = ROOT / "deploy/monitoring/alerts.yml"
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
EXPOSED = {f"{name}{suffix}": family for name, family in FAMILIES.items() for suffix in SUFFIXES[family.kind]}


def _rules() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["groups"][0]["rules"]
    assert rules
    return rules


def test_every_metric_and_label_of_the_rules_exists() -> None:
    for rule in _rules():
        metrics = re.findall(r"\b(hubs_\w+)(?:\{(\w+))?", rule["expr"])
        assert metrics, rule["alert"]
        for name, label in metrics:
            assert name in EXPOSED, rule["alert"]
            assert not label or label in EXPOSED[name].labels, rule["alert"]


def test_the_documentation_says_what_to_do_on_each_alert() -> None:
    page = (ROOT / "docs/operate.md").read_text()
    for rule in _rules():
        assert f"| `{rule['alert']}` | {rule['annotations']['todo']} |" in page


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian: prometheus) is not installed")
def test_promtool_accepts_the_rules() -> None:
    subprocess.run(["promtool", "check", "rules", str(FILE)], check=True, timeout=60)
