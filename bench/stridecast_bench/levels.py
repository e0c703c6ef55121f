"""Where the bytes of a case lie: sizes that stay in a cache level of this machine, or in none.

What the system says of caches is the machine's, not a core's: of an L3 a share is taken that one
core reaches anywhere.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

KIB, MIB = 1 << 10, 1 << 20
NAMES = ("L1", "L2", "L3", "memory")
#: Taken where the system does not say.
USUAL = {"L1": 32 * KIB, "L2": 512 * KIB, "L3": 16 * MIB}
#: What no L3 holds: some are larger, but then a core has a part of it.
MEMORY = 256 * MIB
#: An L3 is shared, and cut into pieces on some machines.
LARGEST_IN_L3 = 8 * MIB


@dataclass(frozen=True)
class Level:
    """A place for the bytes of a case, read and written together."""

    name: str
    bytes: int

    def items(self, read: int, written: int, multiple: int = 64) -> int:
        """How many items of so many bytes, read and written, lie there: a multiple of 64."""
        return max(multiple, self.bytes // (read + written) // multiple * multiple)


def _from_sysconf(name: str) -> int:
    key = "LEVEL1_DCACHE_SIZE" if name == "L1" else f"LEVEL{name[1]}_CACHE_SIZE"
    try:
        return os.sysconf(f"SC_{key}")
    except (AttributeError, OSError, ValueError):
        return 0


def _from_sysfs(name: str) -> int:
    for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            kind, level, size = (
                (index / part).read_text().strip() for part in ("type", "level", "size")
            )
        except OSError:
            continue
        if level == name[1] and kind != "Instruction" and size.endswith("K"):
            return int(size[:-1]) * KIB
    return 0


@cache
def cache_sizes() -> dict[str, int]:
    """Bytes of every cache level, of data; the usual size where the system does not say."""
    return {name: _from_sysfs(name) or _from_sysconf(name) or USUAL[name] for name in USUAL}


def _all_l3() -> int:
    """Bytes of all pieces of L3 that the CPUs have; 0 where the system does not say."""
    pieces = {}
    for cpu in Path("/sys/devices/system/cpu").glob("cpu[0-9]*"):
        try:
            found = cpu / "cache" / "index3"
            pieces[(found / "shared_cpu_list").read_text()] = (found / "size").read_text().strip()
        except OSError:
            continue
    return sum(int(size[:-1]) * KIB for size in pieces.values() if size.endswith("K"))


@cache
def levels() -> dict[str, Level]:
    """Half of L1 and L2, a part of L3, and more than any cache holds."""
    sizes = cache_sizes()
    inside = {
        "L1": sizes["L1"] // 2,
        "L2": sizes["L2"] // 2,
        "L3": max(sizes["L2"] * 2, min(sizes["L3"] // 4, LARGEST_IN_L3)),
        "memory": max(MEMORY, min(2 * max(sizes["L3"], _all_l3()), 4 * MEMORY)),
    }
    return {name: Level(name, inside[name]) for name in NAMES}
