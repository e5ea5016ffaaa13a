"""The alert rules and the dashboard name what exists; each fault becomes an alert in time, and nothing else does."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hubs.fragments.store import FragmentStore
from hubs.health import figures
from hubs.metrics.families import FAMILIES
from hubs.metrics.store import MetricStore

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy/monitoring"
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
EXPOSED = {f"{name}{suffix}": family for name, family in FAMILIES.items() for suffix in SUFFIXES[family.kind]}
#: Metrics of Prometheus itself.
OWN = {"up": ("job", "instance")}

#: For each rule, series of one value a minute: those of the fault, and when it becomes an alert; then those without.
#: Times are minutes; `x` repeats. Each fault lasts for an hour and ends.
FAULTS = {
    "HubsProcessDown": ({'up{job="hubs"}': "0+0x60 1+0x60"}, 2),
    "HubsBusSilent": ({"hubs_seconds_since_last_message": "901+0x60 5+0x60"}, 5),
    "HubsNotReady": ({'hubs_ready{check="redis"}': "0+0x60 1+0x60"}, 2),
    "HubsSchemaMismatch": ({'hubs_ready{check="schema"}': "0+0x60 1+0x60"}, 1),
    "HubsCanaryMissing": ({"hubs_canary_age_seconds": "181+0x60 60+0x60"}, 1),
    "HubsStreamDead": ({"hubs_stream_subscribed": "0+0x60 1+0x60"}, 1),
    "HubsUpdatesSlow": (
        {
            'hubs_widget_built_seconds_bucket{le="10.0"}': "0+0x60 0+60x60",
            'hubs_widget_built_seconds_bucket{le="30.0"}': "0+60x60 3600+60x60",
            'hubs_widget_built_seconds_bucket{le="+Inf"}': "0+60x60 3600+60x60",
        },
        11,  # two values make a rate
    ),
    "HubsQueueFilling": ({'hubs_queue_length{queue="messages"}': "1100+10x60 0+0x60"}, 11),
    "HubsChangesWaiting": ({"hubs_outbox_age_seconds": "601+0x60 0+0x60"}, 5),
    "HubsBuildsFailing": (
        {
            'hubs_builds_total{widget="rss",outcome="built"}': "0+80x60 4800+80x60",
            'hubs_builds_total{widget="rss",outcome="late"}': "0+20x60 1200+0x60",
        },
        16,
    ),
    "HubsUpstreamDown": ({'hubs_upstream_paused{service="Bodhi"}': "1+0x60 0+0x60"}, 15),
    "HubsMonthMissing": ({"hubs_months_end_timestamp_seconds": "1209599+0x70 9999999+0x60"}, 60),
    "HubsDiskFull": ({"hubs_disk_free_ratio": "0.09+0x60 0.5+0x60"}, 10),
    "HubsCertificateExpires": (
        {'hubs_certificate_expires_timestamp_seconds{certificate="site"}': "1209599+0x70 9999999+0x60"},
        60,
    ),
}
#: Series in which nothing is wrong, though some look like it.
HARMLESS = {
    'up{job="another"}': "0+0x180",
    'hubs_upstream_paused{service="other"}': "3+0x180",  # a mistyped address
    'hubs_queue_length{queue="messages"}': "2000-10x180",  # a queue that is being emptied
    'hubs_builds_total{widget="rss",outcome="waiting"}': "0+60x180",  # the service is down, the widget is not
}


def _rules() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
    assert rules
    return rules


def _unknown(expression: str) -> list[str]:
    """Return the metrics and labels of an expression that no process exports."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    wrong = []
    for name, labels in re.findall(r"\b(hubs_\w+|up)\b(?:\{([^}]*)\})?", bare):
        known = (*EXPOSED[name].labels, "instance") if name in EXPOSED else OWN.get(name)
        used = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels)
        wrong += [name] if known is None else [f"{name}{{{label}}}" for label in used if label not in known]
    return wrong


def test_every_metric_and_label_of_the_rules_exists() -> None:
    assert [wrong for rule in _rules() for wrong in _unknown(rule["expr"])] == []


def test_a_metric_or_label_that_does_not_exist_is_found() -> None:
    expression = 'rate(hubs_buidls_total[5m]) > 1 or hubs_ready{chek="x"} == 0 or up{host="y"}'
    assert _unknown(expression) == ["hubs_buidls_total", "hubs_ready{chek}", "up{host}"]


def test_the_documentation_says_what_to_do_on_each_alert() -> None:
    page = (ROOT / "docs/operate.md").read_text()
    for rule in _rules():
        assert f"| `{rule['alert']}` | {rule['annotations']['todo']} |" in page


def _promtool(*arguments: str | Path) -> None:
    if not shutil.which("promtool"):
        pytest.fail("promtool is not installed: run tests/install-services")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_rules_and_configuration() -> None:
    _promtool("check", "rules", FOLDER / "alerts.yml")
    _promtool("check", "config", FOLDER / "prometheus.yml")


def test_each_fault_becomes_an_alert_in_time_and_ends(tmp_path: Path) -> None:
    rules = {rule["alert"]: rule for rule in _rules()}
    assert FAULTS.keys() == rules.keys()
    groups = [_group(rules[alert], *fault) for alert, fault in FAULTS.items()]
    groups.append(
        {
            "interval": "1m",
            "input_series": _series(HARMLESS),
            "alert_rule_test": [_expected(alert, 90) for alert in FAULTS],
        }
    )
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(FOLDER / "alerts.yml")], "tests": groups}))
    _promtool("test", "rules", path)


def test_the_first_failure_after_a_start_counts(tmp_path: Path, fragments: FragmentStore) -> None:
    """One build fails every twelve minutes, the first of them in the third minute after the start."""
    minutes = []
    for minute in range(20):
        if minute % 12 == 2:
            fragments.outcomes["rss", "failed"] += 1
        minutes.append(_exported(fragments, tmp_path))
    series = {name: " ".join(values.get(name, "_") for values in minutes) for name in minutes[-1]}
    rule = next(rule for rule in _rules() if rule["alert"] == "HubsBuildsFailing")
    fired = {"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}
    expected = [_expected(rule["alert"], 16), _expected(rule["alert"], 17, fired)]
    group = {"interval": "1m", "input_series": _series(series), "alert_rule_test": expected}
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(FOLDER / "alerts.yml")], "tests": [group]}))
    _promtool("test", "rules", path)


def test_every_counter_of_a_rule_is_exported_from_the_start(tmp_path: Path, fragments: FragmentStore) -> None:
    exported = _exported(fragments, tmp_path)
    counters = {each for rule in _rules() for each in re.findall(r"hubs_\w+_total(?:{[^}]*})?", rule["expr"])}
    assert counters == {"hubs_builds_total", 'hubs_builds_total{outcome=~"failed|late"}'}
    for outcome in ("built", "failed", "late"):
        assert exported[f'hubs_builds_total{{outcome="{outcome}",widget="rss"}}'] == "0.0"


def _exported(fragments: FragmentStore, folder: Path) -> dict[str, str]:
    """Return what a process with these fragments exports: each series with its value."""
    store = MetricStore(folder)
    store.write(figures.of_fragments(fragments))
    lines = store.text().decode().splitlines()
    store.close()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def _group(rule: dict[str, Any], series: dict[str, str], minutes: int) -> dict[str, Any]:
    alert, shown = rule["alert"], _labels(next(iter(series)), rule["alert"])
    sentences = {
        name: re.sub(r"{{ \$labels\.(\w+) }}", lambda match: shown.get(match[1], ""), text)
        for name, text in rule["annotations"].items()
    }
    fired = {"exp_labels": rule["labels"] | shown, "exp_annotations": sentences}
    return {
        "interval": "1m",
        "input_series": _series(series),
        "alert_rule_test": [_expected(alert, minutes - 1), _expected(alert, minutes, fired), _expected(alert, 100)],
    }


def _series(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"series": name, "values": text} for name, text in values.items()]


def _expected(alert: str, minute: int, *fired: dict[str, Any]) -> dict[str, Any]:
    return {"alertname": alert, "eval_time": f"{minute}m", "exp_alerts": list(fired)}


def _labels(series: str, alert: str) -> dict[str, str]:
    """Return the labels that the alert of a series has; sums have none."""
    summed = alert in ("HubsUpdatesSlow", "HubsBuildsFailing")
    return {} if summed else dict(re.findall(r'(\w+)="([^"]*)"', series))


def _panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return [panel for panel in panels if panel["type"] != "row"]


def test_every_expression_of_the_dashboard_uses_what_exists() -> None:
    expressions = [target["expr"] for panel in _panels() for target in panel["targets"]]
    assert [wrong for expression in expressions for wrong in _unknown(expression)] == []
    used = {name for expression in expressions for name in re.findall(r"\bhubs_\w+", expression)}
    assert FAMILIES.keys() - {EXPOSED[name].name for name in used} == set()  # each is shown somewhere


def test_the_panels_of_the_dashboard_lie_beside_each_other() -> None:
    taken = set()
    for panel in _panels():
        place = panel["gridPos"]
        cells = {(x + place["x"], y + place["y"]) for x in range(place["w"]) for y in range(place["h"])}
        assert not taken & cells, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_prometheus_accepts_the_expressions_of_the_dashboard(tmp_path: Path) -> None:
    expressions = [target["expr"] for panel in _panels() for target in panel["targets"]]
    recorded = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(expressions)]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    _promtool("check", "rules", path)
