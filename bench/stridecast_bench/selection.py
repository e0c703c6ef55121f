"""Which cases there are, and which of them, beside whom, one process is asked for.

`process.py` and `worker.py` time what this gives; how is their business, and measure.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain

from stridecast_bench import measure, peers
from stridecast_bench.cases import (
    basic,
    by_level,
    by_threads,
    cast,
    reduce,
    relayout,
    scale,
    small,
    strided,
    times,
    workloads,
)
from stridecast_bench.library import BenchLibrary

#: Generators of cases by the first part of their names. A case is made when its turn comes, so that
#: memory is held for one at a time.
Cases = Callable[[BenchLibrary | None], Iterator[measure.Case | measure.Planned]]
Groups = dict[str, Cases]


def merged(*files: Groups) -> Groups:
    """All groups of the case files; where several have one of a name, one behind the other."""
    generators: dict[str, list[Cases]] = {}
    for groups in files:
        for head, cases in groups.items():
            generators.setdefault(head, []).append(cases)

    def all_of(library: BenchLibrary | None, some: list[Cases]) -> Iterator:
        return chain.from_iterable(cases(library) for cases in some)

    return {head: partial(all_of, some=some) for head, some in generators.items()}


ON_ONE_THREAD = merged(
    small.GROUPS,
    basic.GROUPS,
    relayout.GROUPS,
    strided.GROUPS,
    cast.GROUPS,
    scale.GROUPS,
    reduce.GROUPS,
    times.GROUPS,
    by_level.GROUPS,
    by_threads.GROUPS,
    workloads.GROUPS,
)


def groups_for(threads: int) -> Groups:
    """Several threads are timed in a process of their own, which is pinned to as many CPUs."""
    if threads == 1:
        return ON_ONE_THREAD
    return merged(
        {"threads": partial(strided.thread_cases, threads=threads)},
        {"threads": partial(by_threads.cases, threads=threads)},
        {"hot-threads": partial(cast.hot_thread_cases, threads=threads)},
        {"reduce-threads": partial(reduce.thread_cases, threads=threads)},
    )


def any_glob(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def chosen(
    threads: int,
    patterns: Iterable[str],
    library: BenchLibrary | None,
    without: Iterable[str] = (),
) -> Iterator[measure.Case | measure.Planned]:
    """The cases of so many threads whose names match a pattern, and none of `without`.

    All of them where there is no pattern; never those of families without the selected peers.
    """
    patterns = list(patterns) or ["*"]
    heads = [pattern.partition("/")[0] for pattern in patterns]
    for head, cases in groups_for(threads).items():
        if any_glob(head, heads) and peers.take_part_in(head):
            for planned in cases(library):
                if any_glob(planned.name, patterns) and not any_glob(planned.name, without):
                    yield planned


def with_selected_peers(case: measure.Case) -> measure.Case | None:
    """The case without the peers that are not asked for.

    None if nobody is left of some: ours is timed alone only beside the first group, so that of
    several processes, each with some groups, one does it.
    """
    kept = {name: batch for name, batch in case.peers.items() if peers.is_selected(name)}
    others = {name: why for name, why in case.other_results.items() if peers.is_selected(name)}
    if not (kept or others or peers.is_selected(peers.YARDSTICKS[0])):
        return None
    return replace(case, peers=kept, other_results=others)


def attempt(
    planned: measure.Case | measure.Planned, timed: Callable[[measure.Case], dict[str, object]]
) -> dict[str, object]:
    """What `timed` finds for the case; or why there is nothing, under "unable" or "failed".

    Empty where nobody who is asked for takes part. One broken cell must not hide the others: only
    what ends the process gets out of here.
    """
    try:
        case = with_selected_peers(planned.make())
        return {} if case is None else timed(case)
    except measure.Unable as error:
        return {"unable": str(error)}
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"}
