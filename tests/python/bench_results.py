"""Runs of `stridecast bench` that nobody measured, always the same, with every kind of cell.

For tests of what reads results. The figures obey the rules of results.py (a verdict follows from
ratio and noise, a fraction from limit and time); beyond that they mean nothing.
"""

import random

from stridecast_bench import results

TYPES = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "uint16": 2,
    "int32": 4,
    "uint32": 4,
    "int64": 8,
    "uint64": 8,
    "float16": 2,
    "bfloat16": 2,
    "float32": 4,
    "float64": 8,
}
LEVELS = {"L1": 16 << 10, "L2": 512 << 10, "L3": 8 << 20, "memory": 256 << 20}
#: Bytes a nanosecond that a level moves, on one thread.
SPEEDS = {"L1": 180.0, "L2": 70.0, "L3": 28.0, "memory": 11.0}
#: How much slower than ours a peer usually is.
PEERS = {"numpy": 2.2, "c++": 1.15, "torch": 1.9, "pyarrow": 3.0, "numba": 1.3}
FAMILIES = {
    "cast": "Casts of contiguous items",
    "byteswap": "Casts from the other byte order",
    "threads": "Casts on several threads",
}
THRESHOLD = 0.05
LACKS = {
    "torch": {"uint16", "uint32", "uint64"},
    "pyarrow": {"bool", "bfloat16"},
    "numba": {"float16", "bfloat16"},
}
HOT = [("float32", "bfloat16"), ("bfloat16", "float32"), ("int16", "float32"), ("uint8", "float64")]


def _verdict(ratio, noise):
    if noise > THRESHOLD:
        return results.NOISY
    if abs(ratio - 1) <= noise:
        return results.TIE
    return results.FASTER if ratio > 1 else results.SLOWER


def _time(least, chance):
    return results.Time(round(least, 2), round(least * chance.uniform(1.01, 1.08), 2))


def comparison(ours, ratio, noise, chance):
    """Ours beside a peer whose least time is `ratio` times as long."""
    return results.Comparison(
        ours=ours,
        peer=_time(ours.least * ratio, chance),
        ratio=round(ratio, 4),
        spread=(round(ratio * (1 - noise), 4), round(ratio * (1 + noise), 4)),
        noise=round(noise, 4),
        verdict=_verdict(ratio, noise),
    )


def _limit(level, items, read, written, threads):
    bus = read + written * (1 if level == "L1" else 2)
    speed = SPEEDS[level] * threads**0.7
    by = "copy past the cache" if level == "memory" else "copy"
    return results.Limit(round(bus / speed, 2), by, bus, level in ("L1", "L2"))


def cell(case, family, source, destination, level, chance, threads=1):
    """A case that converts `source` to `destination`, beside every peer that has both."""
    items = LEVELS[level] // (TYPES[source] + TYPES[destination])
    read, written = items * TYPES[source], items * TYPES[destination]
    limit = _limit(level, items, read, written, threads)
    ours = _time(limit.ns * chance.uniform(1.02, 2.5), chance)
    found = results.Cell(
        case, family, items, read, written, source, destination, level, threads, ours, limit
    )
    found.fraction = round(limit.ns / ours.least, 4)
    for peer, usual in PEERS.items():
        lacking = LACKS.get(peer, set()) & {source, destination}
        if lacking:
            found.left_out[peer] = f"has no {min(lacking)}"
            continue
        ratio = 1.0 if source == destination else usual * chance.lognormvariate(0, 0.6)
        noise = chance.uniform(0.06, 0.2) if chance.random() < 0.05 else chance.uniform(0.002, 0.03)
        ratio *= 1 + chance.uniform(-1, 1) * 0.01
        found.peers[peer] = comparison(ours, ratio, noise, chance)
    found.samples = {"numpy": {"ours": [ours.least, ours.median]}}
    return found


def _speeds(level, threads):
    fast = SPEEDS[level] * threads**0.7
    past = (round(0.9 * fast, 2), round(fast, 2)) if level == "memory" else (None, None)
    size = LEVELS[level]
    plain = (round(1.1 * fast, 2), round(fast / 2, 2), round(0.9 * fast / 1.5, 2))
    return results.Speeds(level, threads, size, *plain, *past)


def make_run(families=(), levels=tuple(LEVELS)):
    """About 900 cells: matrices by level, a few cases on 1, 2 and 4 threads, and two without times.

    `families` adds matrices at every level, to fill a page.
    """
    chance = random.Random(7)
    matrices = {"cast": list(levels), "byteswap": ["L2"]}
    matrices |= {family: list(levels) for family in families}
    cells = [
        cell(f"{family}/{level}/{source}/{destination}", family, source, destination, level, chance)
        for family, where in matrices.items()
        for level in where
        for source in TYPES
        for destination in TYPES
    ]
    cells += [
        cell(f"threads/{source}-{destination}", "threads", source, destination, "memory", chance, n)
        for source, destination in HOT
        for n in (1, 2, 4)
    ]
    cells.append(
        results.Cell(
            "byteswap/L2/longdouble/float32",
            "byteswap",
            source="longdouble",
            destination="float32",
            level="L2",
            unable="no conversion of swapped long doubles",
        )
    )
    cells.append(
        results.Cell("cast/L1/odd", "cast", level="L1", failed="AssertionError: item 3 is 1, not 2")
    )
    noise = sorted(one.noise for found in cells for one in found.peers.values())
    return results.Run(
        command="stridecast bench --profile full",
        made="2026-03-04T05:06:07+00:00",
        machine={
            "cpu": "Example CPU 9000 @ 3.00GHz",
            "cpus": 4,
            "system": "Linux 6.1",
            "gil": True,
        },
        versions={"stridecast": "0.1.0", "target": "AVX2", "numpy": "2.4.0", "torch": "2.9.0"},
        flags={"target": "AVX2", "profile": "full", "threads": [1, 2, 4], "seconds": 0.1},
        absent={"tensorstore": "ModuleNotFoundError: No module named 'tensorstore'"},
        limits=[_speeds(level, n) for level in LEVELS for n in (1, 2, 4)],
        noise=results.Noise(noise[len(noise) // 2], noise[9 * len(noise) // 10], THRESHOLD),
        families=FAMILIES | {family: family.title() for family in families},
        cells=cells,
    )
