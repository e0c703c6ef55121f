"""Measures what this machine moves: reads, fills and copies, at every level, by so many threads.

    python -m stridecast_bench.calibrate --threads 2     # JSON: a list of results.Speeds

The loops are those of bench/stream.h: the widest vectors, no arithmetic, one piece a thread. Stores
past the cache are measured in memory only, where they are of use.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

import numpy as np

from stridecast_bench import measure
from stridecast_bench.levels import Level, levels
from stridecast_bench.library import BenchLibrary, find_library
from stridecast_bench.measure import DESTINATION_OFFSET, Batch, Case, aligned
from stridecast_bench.results import Speeds

#: Bytes a copied item has: the widest that streams move.
ITEM = np.dtype("c16")
SECONDS = 0.3


def best_gb_s(batch: Batch, size: int, seconds: float = SECONDS) -> float:
    """GB/s of a batch that moves `size` bytes a call."""
    least = measure.measure(Case("calibrate", batch, {}, seconds))["ns"]["ours"]
    return round(size / least, 2)


def _speeds(level: Level, threads: int, library: BenchLibrary) -> Speeds:
    half = level.bytes // 2 // ITEM.itemsize
    src = aligned(half, ITEM)
    dst = aligned(half, ITEM, DESTINATION_OFFSET)
    whole = aligned(2 * half, ITEM)
    for array in (src, dst, whole):
        array.view(np.uint8).fill(1)  # touched: else all pages would be one

    def copying(past_cache: bool) -> float:
        batch = library.stream(src, dst, non_temporal=past_cache, threads=threads)
        return best_gb_s(batch, src.nbytes + dst.nbytes)

    def writing(past_cache: bool) -> float:
        return best_gb_s(library.fill(whole, past_cache, threads), whole.nbytes)

    def updating() -> float:
        batch = library.stream(whole, whole, non_temporal=False, threads=threads)
        return best_gb_s(batch, 2 * whole.nbytes)

    in_memory = level.name == "memory"
    return Speeds(
        level.name,
        threads,
        level.bytes,
        read=best_gb_s(library.read(whole, threads), whole.nbytes),
        write=writing(False),
        copy=copying(False),
        update=updating(),
        write_past_cache=writing(True) if in_memory else None,
        copy_past_cache=copying(True) if in_memory else None,
    )


def calibrate(threads: int, library: BenchLibrary, names: list[str] | None = None) -> list[Speeds]:
    """Speeds of the levels with these names, or of all; of memory alone for several threads.

    Caches are each core's own; threads take longer to meet than a cache to move its bytes.
    """
    able = levels() if threads == 1 else {"memory": levels()["memory"]}
    chosen = [level for name, level in able.items() if not names or name in names]
    return [_speeds(level, threads, library) for level in chosen]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--library", metavar="PATH", help="libstridecast_bench")
    parser.add_argument("--level", action="append", default=[], choices=list(levels()))
    arguments = parser.parse_args()
    path = find_library(arguments.library)
    if path is None:
        print("no libstridecast_bench: build the CMake target stridecast_bench", file=sys.stderr)
        return 1
    cpus = measure.cpus_for(arguments.threads)
    with measure.quiet(cpus):
        found = calibrate(arguments.threads, BenchLibrary(path), arguments.level)
    json.dump([dataclasses.asdict(speeds) for speeds in found], sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
