"""The limit that the machine sets: the least time for the bytes of a case, from measured speeds.

A case copies as many bytes as both of its sides have, and reads or writes the rest; each of the
three was measured by itself (calibrate.py). So the model is exact for copies, reads and fills, and
in between as good as their mixture. In L1 and L2 no bus binds but the ports of loads and stores,
and what a kernel computes beside them: there the limit is an estimate from below.
"""

from __future__ import annotations

from collections.abc import Iterable

from stridecast_bench.levels import cache_sizes, levels
from stridecast_bench.measure import Work
from stridecast_bench.results import Limit, Speeds

#: Where ports bind.
ESTIMATED = ("L1", "L2")
#: One of its sides is so small that a case only reads, or only writes.
NEGLIGIBLE = 1 / 64


def level_of(work: Work) -> str:
    """The level that the case was made for, or the first that holds its bytes."""
    if work.level:
        return work.level
    size = work.read + (0 if work.in_place else work.written)
    rooms = {name: 2 * level.bytes for name, level in levels().items() if name != "memory"}
    rooms["L3"] = max(rooms["L3"], cache_sizes()["L3"])
    return next((name for name, room in rooms.items() if size <= room), "memory")


def mixed_ns(read: int, written: int, speeds: tuple[float | None, ...]) -> float | None:
    """Nanoseconds for so many bytes by speeds (read, write, copy) in GB/s; None where one lacks."""
    reading, writing, copying = speeds
    common = min(read, written)
    if common <= NEGLIGIBLE * max(read, written):
        common = 0
    parts = ((2 * common, copying), (read - common, reading), (written - common, writing))
    if any(size > 0 and not speed for size, speed in parts):
        return None
    return sum(size / speed for size, speed in parts if size > 0)


def limit_of(work: Work, speeds: Iterable[Speeds]) -> Limit | None:
    """The least time for what `work` moves; None where its level was not measured."""
    level = level_of(work)
    at = next((s for s in speeds if s.level == level and s.threads == work.threads), None)
    if at is None or work.read + work.written == 0:
        return None
    through = mixed_ns(work.read, work.written, (at.read, at.write, at.copy))
    past = mixed_ns(work.read, work.written, (at.read, at.write_past_cache, at.copy_past_cache))
    # A store through the cache fetches its line first; in L1 it is there.
    fetched = 0 if level == "L1" else work.written
    ways = [(through, "through the cache", fetched), (past, "past the cache", 0)]
    if work.in_place:
        both = work.read + work.written
        ways = [(both / at.update if at.update else None, "where it is", 0)]
    known = [(ns, by, extra) for ns, by, extra in ways if ns is not None]
    if not known:
        return None
    ns, by, extra = min(known)
    bus_bytes = work.read + work.written + extra
    return Limit(round(ns, 2), by, bus_bytes, level in ESTIMATED)
