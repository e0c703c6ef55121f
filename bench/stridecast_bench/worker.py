"""One process of a run: times the cases that one group of peers can do, and says so line by line.

    python -m stridecast_bench.worker --group torch --cases 'cast/*' --threads 2

Every line of the output is a JSON object with one key: "at" (a case is begun), "cell" (what it
took) or "end" (versions, who is absent). A parent that reads them (run.py) loses nothing but the
case at hand if a peer takes the process down. Groups keep peers apart that bring thread pools of
their own.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path

import ml_dtypes
import numpy as np

import stridecast
from stridecast_bench import measure, peers
from stridecast_bench.library import BenchLibrary
from stridecast_bench.peers import GROUPS, libraries
from stridecast_bench.selection import attempt, chosen

#: Where lines go; main() keeps it for them, and what libraries print goes to the errors.
output = sys.stdout


def say(kind: str, what: dict[str, object]) -> None:
    print(json.dumps({kind: what}, separators=(",", ":")), file=output, flush=True)


def time_one(planned: measure.Case | measure.Planned, seconds: float) -> None:
    say("at", {"case": planned.name})

    def sampled(case: measure.Case) -> dict[str, object]:
        return {
            "left_out": case.other_results,
            "work": dataclasses.asdict(case.work) if case.work else None,
            "samples": measure.sample(case, seconds),
        }

    found = attempt(planned, sampled)
    if found:
        say("cell", {"case": planned.name, **found})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--group", default=GROUPS[0], choices=GROUPS)
    parser.add_argument("--cases", action="append", default=[], metavar="GLOB")
    parser.add_argument("--without", action="append", default=[], metavar="GLOB")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.15, help="for each case")
    parser.add_argument("--library", metavar="PATH", help="libstridecast_bench; none: no streams")
    parser.add_argument("--cpu", type=int, help="the first CPU to run on (default: the last ones)")
    arguments = parser.parse_args()

    global output
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peers.select([arguments.group])
    library = BenchLibrary(Path(arguments.library)) if arguments.library else None
    stridecast.set_threads(1)
    libraries.use_threads(arguments.threads)
    with measure.quiet(measure.cpus_for(arguments.threads, arguments.cpu)):
        for one in chosen(arguments.threads, arguments.cases, library, arguments.without):
            time_one(one, arguments.seconds)
    numpys = {"numpy": np.__version__, "ml_dtypes": ml_dtypes.__version__}
    own = {"stridecast": stridecast.__version__, **numpys}
    say(
        "end",
        {
            "versions": {**own, **libraries.versions},
            "absent": libraries.absent,
            "target": stridecast.active_target(),
            "machine": measure.machine(),
            "build": ", ".join(stridecast.build_info()),
            "loops": library.build if library else "",
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
