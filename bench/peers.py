"""Times stridecast and its peers side by side in one process, on one pinned thread.

    python bench/peers.py                           # everything, a table
    python bench/peers.py --cases 'contiguous/*/bfloat16' --cases 'small/*'
    python bench/peers.py --json -                  # for bench_targets.py

A ratio is the peer's time over ours: above 1 is faster than the peer. A result is compared with the
peer's, bit by bit, before anything is timed. Which ratios are asked for is in targets.toml.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from fnmatch import fnmatchcase

import ml_dtypes
import numpy as np

import measure
import peer_cases
import stridecast


def selected(name: str, patterns: list[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def wanted_groups(patterns: list[str]) -> list[str]:
    """The groups in which a pattern may select something."""
    heads = [pattern.partition("/")[0] for pattern in patterns]
    return [group for group in peer_cases.GROUPS if selected(group, heads)]


def time_noise(cpus: list[int | None]) -> dict[str, object]:
    """Self-comparisons on every CPU: the largest distance from 1, as a fraction."""
    noise: dict[str, object] = {}
    for cpu in cpus:
        label = "cpu" if cpu is None else f"cpu{cpu}"
        with measure.quiet(cpu):
            for case in peer_cases.noise_cases(label):
                ours, itself = measure.measure(case)["ns"].values()
                noise[case.name.removeprefix("noise/")] = round(abs(itself / ours - 1), 4)
    return noise


def time_cases(
    patterns: list[str], library: measure.BenchLibrary | None, cpu: int | None
) -> tuple[dict[str, object], dict[str, str]]:
    """Results by case, and what went wrong by case."""
    results: dict[str, object] = {}
    failures: dict[str, str] = {}
    with measure.quiet(cpu):
        for group in wanted_groups(patterns):
            for case in peer_cases.GROUPS[group](library):
                if not selected(case.name, patterns):
                    continue
                try:  # one broken cell must not hide the others
                    results[case.name] = measure.measure(case)
                except Exception as error:
                    failures[case.name] = f"{type(error).__name__}: {error}"
                if sys.stderr.isatty():
                    print(f"\r{len(results):4d}  {case.name:50}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    return results, failures


def report(outcome: dict[str, object], stream: object) -> None:
    """A table for people: slowest first, and the geometric mean of every group."""
    rows = []
    for name, result in outcome["results"].items():
        times = dict(result["ns"])
        ours = times.pop("ours")
        rows += [(ns / ours, name, peer, ours, ns) for peer, ns in times.items()]
    for ratio, name, peer, ours, ns in sorted(rows):
        print(f"{ratio:8.2f}  {name:36} {ours:14,.1f} ns  {peer:9} {ns:14,.1f} ns", file=stream)
    groups: dict[str, list[float]] = {}
    for ratio, name, peer, _, _ in rows:
        groups.setdefault(f"{name.partition('/')[0]} / {peer}", []).append(ratio)
    print("\ngeometric means", file=stream)
    for group, ratios in groups.items():
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"{mean:8.2f}  {group} ({len(ratios)} cells, least {min(ratios):.2f})", file=stream)
    for name, error in outcome["failures"].items():
        print(f"FAILED  {name}: {error}", file=stream)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", action="append", default=[], metavar="GLOB")
    parser.add_argument("--json", metavar="FILE", help="write all times there; - is the output")
    parser.add_argument("--library", metavar="PATH", help="libstridecast_bench")
    parser.add_argument("--cpu", type=int, help="the CPU to run on (default: the last allowed)")
    parser.add_argument("--noise", action="store_true", help="compare calls with themselves too")
    arguments = parser.parse_args()

    path = measure.find_library(arguments.library)
    library = measure.BenchLibrary(path) if path is not None else None
    if library is None:
        print(
            "no libstridecast_bench: streams and C++ calls are left out"
            " (build the CMake target stridecast_bench)",
            file=sys.stderr,
        )
    cpus: list[int | None] = [*measure.allowed_cpus()] or [None]
    cpu = arguments.cpu if arguments.cpu is not None else cpus[-1]
    stridecast.set_threads(1)

    results, failures = time_cases(arguments.cases, library, cpu)
    outcome = {
        "machine": measure.machine(),
        "versions": {
            "stridecast": stridecast.__version__,
            "target": stridecast.active_target(),
            "numpy": np.__version__,
            "ml_dtypes": ml_dtypes.__version__,
        },
        "results": results,
        "failures": failures,
        "noise": time_noise(cpus) if arguments.noise else {},
    }
    if arguments.json == "-":
        json.dump(outcome, sys.stdout)
    else:
        if arguments.json:
            with open(arguments.json, "w", encoding="utf-8") as file:
                json.dump(outcome, file, indent=1)
        report(outcome, sys.stdout)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
