"""docs/widgets.md, from an empty directory to a live widget: every file and command as it is written there."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.services import BIN, HOST, Service, answers, base_env, free_port
from tests.sse import Stream
from tests.stack import ROOT

SECTION = "## From an empty directory to a live widget"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"(?:# |\{# )(\S+)(?: #\})?\n")


@dataclass
class Reader:
    """Follows the tutorial in a shell that keeps its working directory."""

    folder: Path
    env: dict[str, str]

    def write(self, text: str) -> None:
        head = _PATH.match(text)
        assert head, f"a block does not begin with the name of its file: {text[:60]}"
        (self.folder / head[1]).write_text(text[head.end() :])

    def run(self, command: str) -> None:
        done = subprocess.run(
            ["bash", "-ec", f"{command}\npwd"],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        self.folder = Path(done.stdout.splitlines()[-1])

    def start(self, command: str, port: int) -> Service:
        more = ["--port", str(port), "--pause", "0.1"]
        argv = [sys.executable, "-W", "ignore", "-m", *command.split(), *more]
        return Service(argv, self.folder, "dev", self.env, cwd=self.folder)


def blocks() -> list[tuple[str, str]]:
    text = (ROOT / "docs" / "widgets.md").read_text()
    return _BLOCK.findall(text.split(SECTION, 1)[1].split("\n## ", 1)[0])


@pytest.mark.slow
def test_the_tutorial_works_as_it_is_written(tmp_path: Path) -> None:
    env = {**base_env(), "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    env |= {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONWARNINGS": "ignore"}
    reader, port = Reader(tmp_path, env), free_port()
    running: Service | None = None
    try:
        for kind, text in blocks():
            if kind != "sh":
                reader.write(text)
            elif text.startswith("hubs widget dev"):
                running = reader.start(text, port)
            else:
                reader.run(text)
        assert running is not None, "the tutorial ends without looking at the widget"
        running.ready(lambda: answers(f"http://{HOST}:{port}/healthz"))
        with urlopen(f"http://{HOST}:{port}/t/workshop/?full=1", timeout=20) as answer:
            page = answer.read().decode()
        data = dict(re.findall(r'data-(token|cursor)="([^"]+)"', page))
        row = re.search(r'id="widget-(\d+)"[^>]*>(?:(?!id="widget-).)*>Lately</h2>', page, re.DOTALL)
        assert row is not None, "the widget is not on the page"
        stream = Stream(f"http://{HOST}:{port}/events", data["token"], data["cursor"], timeout=60)
        heard = next(event for event in stream if event.type == "widget" and event.data["widget"] == int(row[1]))
        assert "<li>" in heard.data["html"]
        assert heard.data["state"] == "live"
        stream.close()
        running.process.terminate()
        assert running.process.wait(10) == 0
    finally:
        if running is not None:
            running.stop()


def test_the_widget_of_the_tutorial_has_at_most_thirty_lines_of_python() -> None:
    code = next(text for kind, text in blocks() if kind == "python" and "class Lately" in text)
    assert len(code.splitlines()) - 1 <= 30
