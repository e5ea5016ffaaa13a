"""A Prometheus of a test, with the shipped rules and configuration in quicker time."""

import contextlib
import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.services import HOST, Service, answers, base_env, free_port
from tests.stack import ROOT

FOLDER = ROOT / "deploy" / "monitoring"


class Prometheus:
    """Answers questions about what is scraped."""

    def __init__(self, port: int) -> None:
        self._url = f"http://{HOST}:{port}/api/v1"

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        return {each["labels"]["alertname"] for each in self._ask("alerts")["alerts"] if each["state"] == "firing"}

    def labels(self, metric: str) -> set[str]:
        """Return the names of the labels with which a metric is exported; empty if it is not."""
        series = self._ask("series", **{"match[]": metric})
        return {label for labels in series for label in labels}

    def _ask(self, path: str, **parameters: str) -> Any:
        with urllib.request.urlopen(f"{self._url}/{path}?{urllib.parse.urlencode(parameters)}", timeout=30) as answer:
            return json.load(answer)["data"]


def rules() -> list[dict[str, Any]]:
    """Return the shipped alert rules."""
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def quickly(rule: Mapping[str, Any], thresholds: Mapping[str, str]) -> dict[str, Any]:
    """Return a rule that fires after a second, with windows of seconds, and with other thresholds."""
    expression = re.sub(r"\[\d+m\]", "[20s]", rule["expr"])
    for shipped, quick in thresholds.items():
        assert shipped in expression, f"{rule['alert']} has no {shipped}"
        expression = expression.replace(shipped, quick)
    return {**rule, "expr": expression, "for": "1s"}


@contextlib.contextmanager
def watching(folder: Path, ports: Iterable[int], quick: list[dict[str, Any]]) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes ``ports`` each second and evaluates ``quick``."""
    port, config = free_port(), yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"{HOST}:{each}" for each in ports]}]
    (folder / "alerts.yml").write_text(yaml.safe_dump({"groups": [{"name": "hubs", "rules": quick}]}))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    argv = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address={HOST}:{port}",
    ]
    service = Service(argv, folder, "prometheus", base_env())
    try:
        service.ready(lambda: answers(f"http://{HOST}:{port}/-/ready"))
        yield Prometheus(port)
    finally:
        service.stop()
