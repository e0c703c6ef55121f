"""Measures the rows of targets.toml: what was asked, what was measured, reached or missed.

    python bench/bench_targets.py [--part 1] [--json build/targets] [--markdown docs/performance.md]
    python bench/bench_targets.py --table build/targets/*.json --markdown docs/performance.md

Runs stridecast_bench/process.py in up to three separate processes. The first times everything; the
next ones only the cells that missed, and the groups whose mean missed. Peers of whom no row speaks
are not timed. A cell misses when it misses in all: a process can be unlucky with its memory layout
or its neighbours, three in a row hardly are. Rows on several threads have processes of their own.
How a ratio is measured is in stridecast_bench/measure.py; which SIMD kernels, by STRIDECAST_TARGET
in the environment, which the processes inherit.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from pathlib import Path

from judge import Target, Verdict, all_parts, any_glob, judge, load_targets
from stridecast_bench.peers import PEERS
from targets_report import Measured, print_report, write_json, write_markdown, write_table

HERE = Path(__file__).resolve().parent
PROCESSES = 3
#: Cases of these groups run on so many threads, in a process of their own.
THREAD_GROUPS, THREADS = ("threads", "hot-threads", "reduce-threads"), 2


def run_peers(cases: list[str], options: list[str]) -> dict:
    """These cases in one process; those on several threads in another."""
    threaded = [case for case in cases if case.partition("/")[0] in THREAD_GROUPS]
    others = [case for case in cases if case not in threaded]
    outcome = run_process(others, options) if others else None
    if threaded:
        on_threads = run_process(threaded, [*options, "--threads", str(THREADS)])
        if outcome is None:
            return on_threads
        for part in ("results", "failures", "unable"):
            outcome[part] |= on_threads[part]
    return outcome


def environment() -> dict[str, str]:
    """The package beside this file comes first, also where another one is installed."""
    others = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(HERE), others)))}


def run_process(cases: list[str], options: list[str]) -> dict:
    command = [sys.executable, "-m", "stridecast_bench.process", "--json", "-", *options]
    for case in cases:
        command += ["--cases", case]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=False, env=environment()
    )
    if not done.stdout:
        raise SystemExit(f"process.py ended with status {done.returncode} and no result")
    return json.loads(done.stdout)


def measure_all(targets: list[Target], options: list[str], processes: int) -> list[dict]:
    cases = sorted({case for target in targets for case in target.cases})
    groups = sorted({PEERS[peer] for target in targets for peer in target.peer_names})
    options = [*options, "--peers", ",".join(groups)]
    outcomes = [run_peers(cases, [*options, "--noise"])]
    while len(outcomes) < processes:
        again = sorted({case for target in targets for case in judge(target, outcomes).again()})
        if not again:
            break
        print(
            f"timing again in process {len(outcomes) + 1}: {len(again)} selections", file=sys.stderr
        )
        outcomes.append(run_peers(again, options))
    return outcomes


def measure_part(part: int, arguments: argparse.Namespace) -> Measured | None:
    """The rows of a part that were asked for; None where there are none."""
    targets = [
        target
        for target in load_targets(part)
        if not arguments.row or any_glob(target.id, arguments.row)
    ]
    if not targets:
        return None
    options = ["--library", arguments.library] if arguments.library else []
    outcomes = measure_all(targets, options, arguments.processes)
    return Measured(part, [judge(target, outcomes) for target in targets], outcomes)


def parts_asked(text: str) -> list[int]:
    return all_parts() if text == "all" else [int(text)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", default="all", help="a number, or all")
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--row", action="append", default=[], help="only rows with this glob")
    parser.add_argument("--library", help="libstridecast_bench, if not under build*/")
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="write part-N.json files there")
    parser.add_argument(
        "--markdown", type=Path, help="write the tables between this file's markers"
    )
    parser.add_argument("--table", type=Path, nargs="+", metavar="JSON", help="measure nothing")
    parser.add_argument("--strict", action="store_true", help="a miss makes the exit status 1")
    arguments = parser.parse_args()

    if arguments.table:
        write_table(arguments.table, arguments.markdown)
        return 0
    parts = [measure_part(part, arguments) for part in parts_asked(arguments.part)]
    measured = [part for part in parts if part is not None]
    if not measured:
        parser.error("no such row")
    for part in measured:
        print_report(part.verdicts, part.outcomes)
        if arguments.json:
            write_json(arguments.json, part)
        if arguments.markdown:
            write_markdown(arguments.markdown, part.number, part.verdicts, part.outcomes)
    verdicts = [verdict for part in measured for verdict in part.verdicts]
    missed = any(v.misses or v.unable for v in verdicts)
    return 1 if any(map(is_broken, verdicts)) or (arguments.strict and missed) else 0


def is_broken(verdict: Verdict) -> bool:
    nothing = math.isnan(verdict.measured) and not (verdict.missing or verdict.unable)
    return bool(verdict.broken) or nothing


if __name__ == "__main__":
    sys.exit(main())
