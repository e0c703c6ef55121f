"""What the workloads share: ways to do a job, the check that they agree, data and who reads it.

A way that gives another result than ours fails its case before anything is timed: a peer that
disagrees is left out by its case, with the reason, or not at all.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np

from stridecast_bench.cases.basic import expect_equal
from stridecast_bench.measure import DESTINATION_OFFSET, Batch, Case, Work, aligned, timed
from stridecast_bench.peers import is_selected
from stridecast_bench.peers.libraries import absent, versions

Arrays = Sequence[np.ndarray]
#: Raises AssertionError unless two results, ours first, are as equal as they have to be.
Agree = Callable[[np.ndarray, np.ndarray, str], None]


#: Of every peer, however slow: the least of few rounds would be too much on a busy machine.
ROUNDS = 12


@dataclass(frozen=True)
class Way:
    """How somebody does the job, for the clock, and what comes out of it, for the comparison."""

    batch: Batch
    result: Callable[[], Arrays]


#: Makes the way of a peer when it is asked for; None where it cannot be had.
Maker = Callable[[], Way | None]


def fills(batch: Batch, *outs: np.ndarray) -> Way:
    """A way that writes `outs`."""

    def result() -> Arrays:
        for out in outs:
            out.view(np.uint8).fill(0xA5)
        batch(1)
        return [out.copy() for out in outs]

    return Way(batch, result)


def gives(function: Callable[..., object], *arguments: object, array: Callable = np.asarray) -> Way:
    """A way that makes its result anew; `array` makes one ndarray of what it gives."""
    names = {f"a{k}": argument for k, argument in enumerate(arguments)}
    batch = timed(f"function({', '.join(names)})", function=function, **names)
    return Way(batch, lambda: [array(function(*arguments))])


def same_bits(got: np.ndarray, expected: np.ndarray, name: str) -> None:
    if (got.dtype, got.shape) != (expected.dtype, expected.shape):
        raise AssertionError(
            f"{name}: {got.dtype}{got.shape}, the peer has {expected.dtype}{expected.shape}"
        )
    expect_equal(np.ascontiguousarray(got), np.ascontiguousarray(expected), name)


def within(tolerance: float) -> Agree:
    """Floats that differ by at most so much, NaN where the other has NaN."""

    def agree(got: np.ndarray, expected: np.ndarray, name: str) -> None:
        if (got.dtype, got.shape) != (expected.dtype, expected.shape):
            raise AssertionError(
                f"{name}: {got.dtype}{got.shape}, the peer has {expected.dtype}{expected.shape}"
            )
        np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance, err_msg=name)

    return agree


def workload(
    name: str,
    ours: Way,
    peers: dict[str, Maker],
    work: Work,
    *,
    agree: Agree = same_bits,
    loosely: dict[str, Agree] | None = None,
    seconds: float = 1.0,
) -> Case:
    """A case of the peers that are there; `loosely` has what else is asked of some of them."""
    made = {peer: make() for peer, make in peers.items() if is_selected(peer)}
    there = {peer: way for peer, way in made.items() if way is not None}

    def check() -> None:
        wanted = ours.result()
        for peer, way in there.items():
            compare = (loosely or {}).get(peer, agree)
            for mine, theirs in zip(wanted, way.result(), strict=True):
                compare(mine, theirs, f"{name} by {peer}")

    batches = {peer: way.batch for peer, way in there.items()}
    return Case(name, ours.batch, batches, seconds, check, rounds=ROUNDS, work=work)


def destination(shape: tuple[int, ...] | int, dtype: object) -> np.ndarray:
    """Contiguous, half a page behind a page. The check of its case makes it warm."""
    return aligned(int(np.prod(shape)), np.dtype(dtype), DESTINATION_OFFSET).reshape(shape)


@cache
def tool(name: str) -> ModuleType | None:
    """A module that reads data, whoever is timed; it has no threads, or uses none unasked."""
    library = name.partition(".")[0]
    if library == "polars":  # it reads the number of its threads when it is imported
        os.environ["POLARS_MAX_THREADS"] = "1"
    try:
        module = import_module(name)
    except (ImportError, OSError) as error:
        absent[library] = f"{type(error).__name__}: {error}".splitlines()[0]
        return None
    versions[library] = getattr(import_module(library), "__version__", "?")
    return module


def carried(package: str, *parts: str) -> Path | None:
    """A file that an installed package carries; the package is not imported."""
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder, *parts)
        if path.exists():
            return path
    absent[f"{package}'s data"] = f"no {'/'.join(parts)}: the workloads on it are left out"
    return None


@cache
def scratch_folder() -> Path:
    """For files that are made for a case; it goes when the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="stridecast-bench-")
    _kept.append(folder)
    return Path(folder.name)


_kept: list[tempfile.TemporaryDirectory] = []
