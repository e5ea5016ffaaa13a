"""``python -m tests.chaos``: random rounds, or targeted experiments; exit status 0 if every promise held."""

import argparse
import contextlib
import tempfile
import time
from pathlib import Path

from tests.chaos import experiments, report, rounds
from tests.chaos.community import Community
from tests.chaos.system import running


def main() -> int:
    """Run what the command line asks for, and print the results."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="seed of the first round (default: 1)")
    parser.add_argument("--seconds", type=float, default=120, help="length of a round (default: 120)")
    parser.add_argument("--rounds", type=int, default=1, help="rounds, each with the next seed (default: 1)")
    parser.add_argument(
        "--experiment",
        action="append",
        choices=[*experiments.ALL, "all"],
        default=[],
        help="run an experiment instead of rounds; may be repeated",
    )
    parser.add_argument("--report", action="store_true", help="write the results into docs/reliability.md")
    options = parser.parse_args()
    names = list(experiments.ALL) if "all" in options.experiment else options.experiment
    if names:
        outcomes = {name: "; ".join(run_experiment(name)) or "passed" for name in names}
        print(f"\n{report.of_experiments(outcomes)}")
        if options.report:
            report.write_experiments(outcomes)
        return int(set(outcomes.values()) != {"passed"})
    result = rounds.Result()
    for seed in range(options.seed, options.seed + options.rounds):
        result.add(run_round(seed, options.seconds))
    text = report.of_rounds(result)
    print(f"\n{text}")
    if options.report:
        report.write_rounds(text)
    return int(bool(result.problems))


def run_round(seed: int, seconds: float) -> rounds.Result:
    """Run one round on a system of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="hubs-chaos-") as folder,
        running(Path(folder)) as system,
        contextlib.closing(Community(system)) as community,
    ):
        community.wait_for_bus()
        _say(f"round with seed {seed}")
        result = rounds.run(system, community, seed, seconds, _say)
        for problem in result.problems:
            _say(f"WRONG: {problem}")
        if result.problems:
            for name in ("hub", "stream", "web"):
                _say(f"end of the log of {name}:\n{system.parts[name].log()[-3000:]}")
        return result


def run_experiment(name: str) -> list[str]:
    """Run one experiment on a system of its own; return its problems."""
    with (
        tempfile.TemporaryDirectory(prefix="hubs-chaos-") as folder,
        running(Path(folder)) as system,
        contextlib.closing(Community(system)) as community,
    ):
        community.wait_for_bus()
        _say(name)
        try:
            problems = experiments.ALL[name](community)
        except AssertionError as error:  # something did not happen in time
            problems = [str(error).splitlines()[0]]
        _say(f"{name}: {'; '.join(problems) or 'passed'}")
        return problems


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
