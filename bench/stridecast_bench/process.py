"""Times stridecast and its peers side by side in one process, on one pinned thread.

    python -m stridecast_bench.process               # everything, a table; takes hours
    python -m stridecast_bench.process --cases 'contiguous/*/bfloat16' --cases 'small/*'
    python -m stridecast_bench.process --threads 2   # cases of several threads, no others
    python -m stridecast_bench.process --peers numpy,torch   # beside these groups of peers only
    python -m stridecast_bench.process --json -      # for bench_targets.py

Peers beside NumPy are optional; what is not installed is left out, and named.
STRIDECAST_TARGET=AVX2 in the environment times that SIMD target's kernels; the report names it.
A ratio is the peer's time over ours: above 1 is faster than the peer. A result is compared with the
peer's, bit by bit, before anything is timed. Which ratios are asked for is in targets.toml.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable

import ml_dtypes
import numpy as np

import stridecast
from stridecast_bench import measure, peers
from stridecast_bench.cases import basic
from stridecast_bench.library import BenchLibrary, find_library
from stridecast_bench.peers import libraries
from stridecast_bench.selection import attempt, chosen


def time_noise(cpus: list[int]) -> dict[str, object]:
    """Self-comparisons on every CPU: the largest distance from 1, as a fraction."""
    noise: dict[str, object] = {}
    for cpu in cpus or [None]:
        label = "cpu" if cpu is None else f"cpu{cpu}"
        with measure.quiet({cpu} if cpu is not None else set()):
            for case in basic.noise_cases(label):
                ours, itself = measure.measure(case)["ns"].values()
                noise[case.name.removeprefix("noise/")] = round(abs(itself / ours - 1), 4)
    return noise


def time_cases(
    cases: Iterable[measure.Case | measure.Planned], cpus: set[int]
) -> dict[str, dict[str, object]]:
    """By case: results, what went wrong, and what stridecast cannot do."""
    outcome: dict[str, dict[str, object]] = {"results": {}, "failures": {}, "unable": {}}
    with measure.quiet(cpus):
        for planned in cases:
            name, found = planned.name, attempt(planned, measure.measure)
            if "failed" in found:
                outcome["failures"][name] = found["failed"]
            elif "unable" in found:
                outcome["unable"][name] = found["unable"]
            elif found:
                outcome["results"][name] = found
            if sys.stderr.isatty():
                print(f"\r{len(outcome['results']):4d}  {name:50}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    return outcome


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
    print(f"\ngeometric means, kernels of {outcome['versions']['target']}", file=stream)
    for group, ratios in groups.items():
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"{mean:8.2f}  {group} ({len(ratios)} cells, least {min(ratios):.2f})", file=stream)
    for name, error in outcome["failures"].items():
        print(f"FAILED  {name}: {error}", file=stream)
    for name, why in outcome["unable"].items():
        print(f"not done  {name}: {why}", file=stream)
    for name, result in outcome["results"].items():
        for peer, why in result.get("other_results", {}).items():
            print(f"other result  {name}: {peer}: {why}", file=stream)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", action="append", default=[], metavar="GLOB")
    parser.add_argument("--json", metavar="FILE", help="write all times there; - is the output")
    parser.add_argument("--library", metavar="PATH", help="libstridecast_bench")
    parser.add_argument("--cpu", type=int, help="the CPU to run on (default: the last allowed)")
    parser.add_argument("--threads", type=int, default=1, help="time the cases of so many threads")
    parser.add_argument(
        "--peers",
        default="*",
        metavar="GLOBS",
        help=f"groups of peers to time beside, with commas in between: {', '.join(peers.GROUPS)}",
    )
    parser.add_argument("--noise", action="store_true", help="compare calls with themselves too")
    arguments = parser.parse_args()
    try:
        peers.select(arguments.peers.split(","))
    except ValueError as error:
        parser.error(str(error))

    path = find_library(arguments.library)
    library = BenchLibrary(path) if path is not None else None
    if library is None:
        print(
            "no libstridecast_bench: streams and C++ calls are left out"
            " (build the CMake target stridecast_bench)",
            file=sys.stderr,
        )
    try:
        only = arguments.cpu is not None
        cpus = {arguments.cpu} if only else measure.cpus_for(arguments.threads)
    except ValueError as error:
        parser.error(str(error))
    stridecast.set_threads(1)
    libraries.use_threads(arguments.threads)

    timings = time_cases(chosen(arguments.threads, arguments.cases, library), cpus)
    outcome = {
        "machine": measure.machine(),
        "versions": {
            "stridecast": stridecast.__version__,
            "target": stridecast.active_target(),
            "numpy": np.__version__,
            "ml_dtypes": ml_dtypes.__version__,
            **libraries.versions,
        },
        "absent": libraries.absent,
        **timings,
        "noise": time_noise(measure.allowed_cpus()) if arguments.noise else {},
    }
    for name, why in libraries.absent.items():
        print(f"no {name}: {why}", file=sys.stderr)
    if arguments.json == "-":
        json.dump(outcome, sys.stdout)
    else:
        if arguments.json:
            with open(arguments.json, "w", encoding="utf-8") as file:
                json.dump(outcome, file, indent=1)
        report(outcome, sys.stdout)
    return 1 if timings["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
