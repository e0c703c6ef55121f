"""With whom: what users of other libraries write to have the same result; and who is asked.

PEERS has the name of everybody that a case may time beside ours. Peers of one group are timed in
one process: libraries bring thread pools, allocators and copies of each other's code along, and who
wants to be sure gives each group a process of its own (`process.py --peers`).
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from importlib.util import find_spec

_BY_GROUP = {
    "numpy": (
        "numpy",
        "numpy-blocks",
        "numpy-fields",
        "numpy-table",
        "ml_dtypes",
        "bottleneck",
        "numexpr",
        "c++",
        "c++ blocked",
    ),
    "torch": ("torch", "torchvision"),
    "pyarrow": ("pyarrow", "pandas", "xarray", "cftime"),
    "tensorstore": ("tensorstore",),
    "numkong": ("numkong",),
    "numba": ("numba",),
    "polars": ("polars",),
    "files": ("astropy", "fitsio", "netCDF4"),
}
GROUPS = tuple(_BY_GROUP)
#: Groups whose peers take part in these families alone.
ONLY_IN = {"polars": ("workload",), "files": ("workload",)}
#: What a group is nothing without: one of these modules.
MODULES = {
    "torch": ("torch",),
    "pyarrow": ("pyarrow", "pandas", "xarray", "cftime"),
    "tensorstore": ("tensorstore",),
    "numkong": ("numkong",),
    "numba": ("numba",),
    "polars": ("polars",),
    "files": ("astropy", "fitsio", "netCDF4"),
}
#: What nobody would use in place of ours, but measure it by. They are timed with the first group.
YARDSTICKS = (
    # The machine: the same bytes and no arithmetic; -1 and -n are threads.
    "memcpy",
    "memcpy-1",
    "memcpy-n",
    "stream",
    "stream-nt",
    "stream-nt4",
    "read",
    "read-1",
    "read-n",
    # Ours in another way: on one thread, without scaling, by another algorithm, of other sizes.
    "one",
    "plain",
    "pairwise",
    "neighbour",
    "tenth",
    "in-proportion",
    "itself",
)
#: The group of every peer and yardstick, by its name in reports.
PEERS = {peer: group for group, peers in _BY_GROUP.items() for peer in peers}
PEERS |= dict.fromkeys(YARDSTICKS, GROUPS[0])

_groups = frozenset(GROUPS)


def is_installed(group: str) -> bool:
    """Whether anybody of a group may be imported; nothing is."""
    modules = MODULES.get(group)
    return modules is None or any(find_spec(module) is not None for module in modules)


def select(patterns: Iterable[str]) -> None:
    """From now on only peers of these groups, given as globs, are imported and timed.

    Raises ValueError for a glob that no group matches.
    """
    global _groups
    chosen: set[str] = set()
    for pattern in patterns:
        matched = {group for group in GROUPS if fnmatchcase(group, pattern)}
        if not matched:
            raise ValueError(f"no group of peers is called {pattern!r}: {', '.join(GROUPS)}")
        chosen |= matched
    _groups = frozenset(chosen)


def is_selected(peer: str) -> bool:
    return PEERS[peer] in _groups


def take_part_in(family: str) -> bool:
    """Whether a group that is asked for may have peers in cases of that family."""
    return any(family in ONLY_IN.get(group, (family,)) for group in _groups)
