"""Real work on data that others made, each job beside the best ways of the libraries that do it.

One file a job; ways.py has what they share. Where the data comes from is in bench/README.md. A job
whose data is not installed has no cases, and the report names what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from stridecast_bench.cases.workloads import arrow, camera, cube, dates, fits, model, table
from stridecast_bench.library import BenchLibrary
from stridecast_bench.measure import Planned

JOBS = (model, fits, cube, camera, dates, table, arrow)


def workload_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    del library
    return chain.from_iterable(job.cases() for job in JOBS)


#: Generators of cases by the first part of their names.
GROUPS: dict[str, Callable[[BenchLibrary | None], Iterator[Planned]]] = {"workload": workload_cases}
