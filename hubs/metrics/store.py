"""Shares the figures of processes of one kind through prometheus-client's memory-mapped files, one set per process.

Gunicorn's workers listen on one port, and each must answer for all of them. Every process writes its figures into files
of its own every few seconds; whichever is scraped adds them up. Counters of processes that ended are moved into one
file, so that the number of files stays bounded and no counter goes backwards.
"""

import fcntl
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

from hubs.errors import BadSetting
from hubs.metrics.families import FAMILIES, Family, LabelLimiter, Sample
from hubs.metrics.histogram import BOUNDS, Histogram

#: The name of the process in files with the figures of ended ones.
_ENDED = "ended"
_Key = tuple[str, str]


class MetricStore:
    """The figures of all processes that share ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._process = folder, _process_name()
        self._limiter = LabelLimiter()
        self._files: dict[str, MmapedDict] = {}
        self._written: set[_Key] = set()

    def write(self, samples: Iterable[Sample]) -> None:
        """Replace the figures of this process."""
        values: dict[_Key, float] = defaultdict(float)
        for name, labels, value in self._limiter.limit(samples):
            family = FAMILIES[name]
            for suffix, pairs, number in _rows(family, labels, value):
                key = mmap_key(
                    name, name + suffix, [pair[0] for pair in pairs], [pair[1] for pair in pairs], family.help
                )
                values[_file_of(family), key] += number
        for gone in self._written - values.keys():  # a gauge that is no longer reported must not keep its value
            if gone[0].startswith("gauge"):
                values[gone] = 0.0
        self._written |= values.keys()
        with self._locked():
            for (kind, key), number in values.items():
                self._file(kind).write_value(key, number, 0.0)

    def text(self) -> bytes:
        """Return the figures of all processes in the format of Prometheus."""
        registry = CollectorRegistry()
        with self._locked():
            self._fold_ended()
            MultiProcessCollector(registry, str(self._folder))
            return generate_latest(registry)

    def close(self) -> None:
        """Close the files; the counters stay."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _file(self, kind: str) -> MmapedDict:
        if kind not in self._files:
            self._files[kind] = MmapedDict(str(self._folder / f"{kind}_{self._process}.db"))
        return self._files[kind]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _fold_ended(self) -> None:
        """Add the counters of ended processes to one file, and remove their gauges."""
        for path in self._folder.glob("*_*.db"):
            kind, _, process = path.stem.rpartition("_")
            if process == _ENDED or _is_running(process):
                continue
            if not kind.startswith("gauge"):
                total = MmapedDict(str(self._folder / f"{kind}_{_ENDED}.db"))
                for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):
                    total.write_value(key, total.read_value(key)[0] + value, 0.0)
                total.close()
            path.unlink()


def _file_of(family: Family) -> str:
    return f"gauge_{family.combine}" if family.kind == "gauge" else family.kind


def _rows(
    family: Family, labels: tuple[str, ...], value: "float | Histogram"
) -> Iterator[tuple[str, list[tuple[str, str]], float]]:
    """Yield suffix, labels and number of each row of a sample."""
    pairs = list(zip(family.labels, labels, strict=True))
    if isinstance(value, Histogram):
        # Not cumulative: the collector adds the buckets up.
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), value.counts, strict=True):
            yield "_bucket", [*pairs, ("le", bound)], count
        yield "_sum", pairs, value.total
    else:
        yield "_total" if family.kind == "counter" else "", pairs, value


def _process_name() -> str:
    """Return the number of this process and when it started: numbers are used again."""
    return f"{os.getpid()}-{_start_of(os.getpid())}"


def _start_of(number: int) -> str:
    """Return when a process started, in clock ticks since boot; empty if there is none."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name of the program stands in parentheses and may contain anything.
    return text.rpartition(")")[2].split()[19]


def _is_running(process: str) -> bool:
    number, _, start = process.partition("-")
    return number.isdigit() and bool(start) and _start_of(int(number)) == start


def create_folder(name: str) -> Path:
    """Return a folder for the files of the processes called ``name``; only we may write there.

    :raises BadSetting: if somebody else has created it.
    """
    parent = Path(os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0] or tempfile.gettempdir())
    folder = parent / f"hubs-metrics-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise BadSetting(f"{folder} belongs to somebody else or is open to others. Remove it.")
    return folder
