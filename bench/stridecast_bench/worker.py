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
from collections.abc import Iterator
from pathlib import Path

import ml_dtypes
import numpy as np

import stridecast
from stridecast_bench import measure, process
from stridecast_bench import peers as peer_groups
from stridecast_bench.peers import GROUPS, ONLY_IN, PEERS, libraries

#: Where lines go; main() keeps it for them, and what libraries print goes to the errors.
output = sys.stdout


def say(kind: str, what: dict[str, object]) -> None:
    print(json.dumps({kind: what}, separators=(",", ":")), file=output, flush=True)


def beside(case: measure.Case, group: str) -> measure.Case | None:
    """The case with the peers of this group; None where nobody of it takes part.

    The first group keeps what has no peers at all: the limit of the machine is beside them.
    """
    peers = {name: batch for name, batch in case.peers.items() if PEERS[name] == group}
    others = {name: why for name, why in case.other_results.items() if PEERS[name] == group}
    if not peers and not (others or group == GROUPS[0]):
        return None
    return dataclasses.replace(case, peers=peers, other_results=others)


def is_left_out(name: str, without: list[str]) -> bool:
    return bool(without) and process.selected(name, without)


def planned_cases(
    threads: int,
    patterns: list[str],
    without: list[str],
    library: measure.BenchLibrary | None,
    group: str,
) -> Iterator[measure.Case | measure.Planned]:
    heads = [pattern.partition("/")[0] for pattern in patterns]
    for head, cases in process.groups_for(threads).items():
        if process.selected(head, heads) and head in ONLY_IN.get(group, (head,)):
            yield from (
                one
                for one in cases(library)
                if process.selected(one.name, patterns) and not is_left_out(one.name, without)
            )


def time_one(planned: measure.Case | measure.Planned, group: str, seconds: float) -> None:
    cell: dict[str, object] = {"case": planned.name}
    say("at", cell)
    try:  # one broken cell must not hide the others
        case = beside(planned.make(), group)
        if case is None:
            return
        cell["left_out"] = case.other_results
        cell["work"] = dataclasses.asdict(case.work) if case.work else None
        cell["samples"] = measure.sample(case, seconds)
    except measure.Unable as error:
        cell["unable"] = str(error)
    except Exception as error:
        cell["failed"] = f"{type(error).__name__}: {error}"
    say("cell", cell)


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
    peer_groups.select([arguments.group])
    library = measure.BenchLibrary(Path(arguments.library)) if arguments.library else None
    stridecast.set_threads(1)
    libraries.use_threads(arguments.threads)
    with measure.quiet(measure.cpus_for(arguments.threads, arguments.cpu)):
        selection = arguments.cases, arguments.without
        planned = planned_cases(arguments.threads, *selection, library, arguments.group)
        for one in planned:
            time_one(one, arguments.group, arguments.seconds)
    numpys = {"numpy": np.__version__, "ml_dtypes": ml_dtypes.__version__}
    own = {"stridecast": stridecast.__version__, **numpys}
    say(
        "end",
        {
            "versions": {**own, **libraries.versions},
            "absent": libraries.absent,
            "target": stridecast.active_target(),
            "machine": measure.machine(),
            "library": library is not None,
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
