"""How a comparison is timed: pinned, interleaved A B A B, the minimum of many, on warm memory.

Nothing here knows stridecast or its peers; what is compared is in cases/.
"""

from __future__ import annotations

import gc
import math
import os
import platform
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise, repeat
from pathlib import Path

import numpy as np

PAGE = 4096

#: Runs something `n` times and returns the nanoseconds that took.
Batch = Callable[[int], int]


class Unable(Exception):
    """Our side cannot do a case, or not yet: said in the report, and no failure."""


@dataclass(frozen=True)
class Work:
    """What a case moves, for tables, and for the limit that the machine sets.

    `read` and `written` are bytes, and of what they touch whole cache lines where items lie apart.
    """

    items: int
    read: int
    written: int
    #: Names of dtypes, as in "float32"; empty where a case has none.
    source: str = ""
    destination: str = ""
    #: "L1", "L2", "L3" or "memory", where the case was made for one of them.
    level: str = ""
    threads: int = 1
    #: What is written is what was read: no other lines are fetched for it.
    in_place: bool = False

    @classmethod
    def between(cls, src: np.ndarray, dst: np.ndarray, level: str = "", threads: int = 1) -> Work:
        """Of a case that reads every item of `src` once and writes every item of `dst`."""
        return cls(
            dst.size,
            bytes_touched(src),
            bytes_touched(dst),
            _type_name(src.dtype),
            _type_name(dst.dtype),
            level,
            threads,
        )

    @classmethod
    def inside(cls, array: np.ndarray, level: str = "", threads: int = 1) -> Work:
        """Of a case that reads and writes every item where it is."""
        return replace(cls.between(array, array, level, threads), in_place=True)

    @classmethod
    def reducing(
        cls, src: np.ndarray, result: np.ndarray, level: str = "", threads: int = 1
    ) -> Work:
        """Of a case that reads every item of `src` once; `items` are those, not the results."""
        return replace(cls.between(src, np.asarray(result), level, threads), items=src.size)


def _type_name(dtype: np.dtype) -> str:
    return "struct" if dtype.names else dtype.name


LINE = 64


def bytes_touched(array: np.ndarray) -> int:
    """Bytes of the cache lines that a walk in the order of memory reads once.

    Where the items of the fastest axis lie apart, that is a line for each that lies a line or more
    from the next; what a broadcast axis repeats costs nothing.
    """
    axes = sorted(
        (abs(stride), count)
        for stride, count in zip(array.strides, array.shape, strict=True)
        if stride != 0 and count > 1
    )
    if not axes:
        return array.itemsize if array.size else 0
    count = math.prod(count for _, count in axes)
    return count * max(array.itemsize, min(LINE, axes[0][0]))


@dataclass
class Case:
    """One comparison: a name, our batch, and the peers' batches by name."""

    name: str
    ours: Batch
    peers: dict[str, Batch]
    #: Seconds to spend; more is spent on a case that is close to a peer.
    seconds: float = 0.1
    #: Raises AssertionError unless both sides give equal results. Runs before the timing.
    check: Callable[[], None] | None = None
    #: Floats that hold for this case, carried into the report.
    facts: dict[str, float] = field(default_factory=dict)
    #: Rounds that are timed however long they take.
    rounds: int = 5
    #: Peers that are not timed because their results are others, each with an example.
    other_results: dict[str, str] = field(default_factory=dict)
    #: What is moved, where that is known.
    work: Work | None = None

    def make(self) -> Case:
        return self


class Planned:
    """A case that takes memory only when its turn comes: `maker(name, *arguments)` makes it."""

    def __init__(self, name: str, maker: Callable[..., Case], *arguments: object) -> None:
        self.name = name
        self.make = partial(maker, name, *arguments)


def timed(call: str, **names: object) -> Batch:
    """A batch of `call`, an expression over `names`, which become locals as in a tuned function."""
    arguments = ", ".join(["n", *(f"{name}={name}" for name in names)])
    source = (
        f"def batch({arguments}):\n"
        "    start = clock()\n"
        "    for _ in repeat(None, n):\n"
        f"        {call}\n"
        "    return clock() - start\n"
    )
    scope = {"clock": time.perf_counter_ns, "repeat": repeat, **names}
    exec(source, scope)
    # Taken out, because a cycle would keep the arrays: nobody collects garbage while we measure.
    return scope.pop("batch")


def scaled(batch: Batch, factor: float) -> Batch:
    """`batch`, as if it had `factor` times the work to do."""
    return lambda n: round(batch(n) * factor)


def aligned(count: int, dtype: np.dtype, offset: int = 0) -> np.ndarray:
    """A zeroed 1-D array that starts `offset` bytes behind the start of a page."""
    dtype = np.dtype(dtype)
    memory = np.zeros(count * dtype.itemsize + 2 * PAGE, np.uint8)
    start = -memory.ctypes.data % PAGE + offset
    return memory[start : start + count * dtype.itemsize].view(dtype)


#: Where destinations start within a page: sources start at 0, and loads and stores whose addresses
#: agree in the low 12 bits would stall each other.
DESTINATION_OFFSET = PAGE // 2


@dataclass
class _Contender:
    """A batch, how many calls of it make a round, and what it took so far."""

    batch: Batch
    calls: int = 1
    best: float = float("inf")  # ns a call
    last: float = 0.0  # ns of the last round
    #: ns a call of every round; None where it sat one out.
    samples: list[float | None] = field(default_factory=list)

    def run(self) -> None:
        self.last = max(1, self.batch(self.calls))
        self.best = min(self.best, self.last / self.calls)

    def take_part(self, takes: bool) -> None:
        if takes:
            self.run()
        self.samples.append(self.last / self.calls if takes else None)

    def calibrate(self, target_ns: int) -> None:
        """Finds how many calls take about `target_ns`, once warm."""
        while True:
            self.run()
            if self.last < 50 * target_ns:  # else the first call is as good as the second
                first = self.last
                self.run()
                self.last = min(first, self.last)
            if self.last >= target_ns // 2 or self.calls >= 1 << 20:
                return
            wanted = int(self.calls * target_ns / self.last)
            self.calls = max(2 * self.calls, min(16 * self.calls, wanted))


#: A contender whose round takes this many times as long as the shortest sits rounds out, so that
#: the time goes to where noise matters most.
SLOW = 4


def _rounds(
    contenders: list[_Contender], seconds: float, least: int, dice: random.Random | None = None
) -> int:
    """Interleaved rounds for `seconds`, and at least `least` of everybody.

    With dice every round has an order of its own: who runs behind whom finds other lines in cache.
    """
    end = time.perf_counter_ns() + int(seconds * 1e9)
    order = list(contenders)
    done = 0
    while done < least or time.perf_counter_ns() < end:
        if dice is not None:
            dice.shuffle(order)
        shortest = min(contender.last for contender in contenders)
        for contender in order:
            pause = max(1, int(contender.last / (SLOW * shortest)))
            contender.take_part(done < least or done % pause == 0)
        done += 1
    return done


def _calibrated(batches: Iterable[Batch], batch_ns: int) -> list[_Contender]:
    contenders = [_Contender(batch) for batch in batches]
    for contender in contenders:
        contender.calibrate(batch_ns)
    return contenders


#: Into so many parts rounds are cut, in order, to see how far a ratio moves.
PARTS = 4


Samples = Sequence[float | None]


def taken(samples: Samples) -> list[float]:
    """Without the rounds that were sat out."""
    return [ns for ns in samples if ns is not None]


def ratios_by_part(ours: Samples, peer: Samples, parts: int = PARTS) -> list[float]:
    """The peer's least time over ours in every part of the rounds; of parts where both took part.

    Of fewer parts where there are fewer rounds.
    """
    parts = min(parts, len(ours))
    cuts = [len(ours) * i // parts for i in range(parts + 1)]
    both = ((taken(ours[a:b]), taken(peer[a:b])) for a, b in pairwise(cuts))
    return [min(theirs) / min(mine) for mine, theirs in both if mine and theirs]


def short(number: float) -> float:
    """Four digits, however small the number."""
    return float(f"{number:.4g}")


def spread(ours: Samples, peer: Samples) -> tuple[float, float]:
    """The least and the largest ratio of the peer's times to ours among the parts of the rounds."""
    found = ratios_by_part(ours, peer) or [min(taken(peer)) / min(taken(ours))]
    return short(min(found)), short(max(found))


def measure(case: Case, *, batch_ns: int = 40_000, close: float = 1.05) -> dict[str, object]:
    """The least time of every contender, in ns a call.

    Where ours is not ahead by more than the odd round, up to three times the case's seconds are
    added: the minimum converges from above on both sides, so more rounds only make it truer.
    """
    if case.check is not None:
        case.check()
    batches = {"ours": case.ours, **case.peers}
    contenders = _calibrated(batches.values(), batch_ns)
    ours, *peers = contenders
    rounds = _rounds(contenders, case.seconds, case.rounds)
    for _ in range(3):
        if min((peer.best for peer in peers), default=math.inf) >= close * ours.best:
            break
        rounds += _rounds(contenders, case.seconds, 1)
    return {
        "ns": {name: round(c.best, 2) for name, c in zip(batches, contenders, strict=True)},
        "spread": {
            name: spread(ours.samples, peer.samples)
            for name, peer in zip(case.peers, peers, strict=True)
        },
        "rounds": rounds,
        **({"facts": case.facts} if case.facts else {}),
        **({"other_results": case.other_results} if case.other_results else {}),
    }


#: The name of our call timed a second time, as if it were a peer: what noise alone does.
ITSELF = "itself"
#: Rounds of every contender at least, so that they can be cut into parts.
LEAST_ROUNDS = 12


#: About so many rounds of everybody fill the time, unless they would be shorter than batch_ns.
ROUNDS = 128


def sample(case: Case, seconds: float, *, batch_ns: int = 40_000) -> dict[str, Samples]:
    """ns a call of every round, for "ours", "itself" and every peer, in an order of its own.

    One that takes much longer than the others sits rounds out: None stands there.
    """
    if case.check is not None:
        case.check()
    batches = {"ours": case.ours, **case.peers, ITSELF: case.ours}
    share = int(seconds * 1e9 / (ROUNDS * len(batches)))
    contenders = _calibrated(batches.values(), max(batch_ns, share))
    _rounds(contenders, seconds, LEAST_ROUNDS, random.Random(case.name))
    return {
        name: [ns and short(ns) for ns in contender.samples]
        for name, contender in zip(batches, contenders, strict=True)
    }


def siblings(cpu: int) -> list[int]:
    """The CPUs of one core, itself among them."""
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        ranges = [part.partition("-") for part in path.read_text().strip().split(",")]
    except OSError:
        return [cpu]
    return [n for low, _, high in ranges for n in range(int(low), int(high or low) + 1)]


def cores_last(cpus: Iterable[int], siblings: Callable[[int], list[int]]) -> list[int]:
    """One CPU of every core behind all others: 0 and 4 share one of [4, 5, 6, 7, 0, 1, 2, 3]."""
    known = set(cpus)
    return sorted(known, key=lambda cpu: (-sorted(known & {*siblings(cpu), cpu}).index(cpu), cpu))


def allowed_cpus() -> list[int]:
    """The CPUs this process may use, in cores_last's order; empty where the system does not say.

    The last ones are taken: two threads on one core would share what it has.
    """
    return cores_last(os.sched_getaffinity(0), siblings) if hasattr(os, "sched_getaffinity") else []


def cpus_for(threads: int, first: int | None = None) -> set[int]:
    """The CPUs for so many threads: the last ones, or those from `first` on.

    Raises ValueError where there are fewer: threads that share a CPU measure nothing.
    """
    allowed = allowed_cpus()
    if not allowed:
        return set()
    start = len(allowed) - threads if first is None else allowed.index(first)
    if start < 0 or start + threads > len(allowed):
        raise ValueError(f"{threads} threads on {len(allowed)} CPUs measure nothing")
    return set(allowed[start : start + threads])


@contextmanager
def quiet(cpus: set[int]):
    """Pins the thread, and those it starts, to `cpus` and keeps the garbage collector away."""
    before = os.sched_getaffinity(0) if cpus else None
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        if cpus:
            os.sched_setaffinity(0, cpus)
        yield
    finally:
        if before is not None:
            os.sched_setaffinity(0, before)
        gc.enable()
        gc.unfreeze()


def machine() -> dict[str, object]:
    """What the figures depend on, without naming the machine."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "cpu": model,
        "cpus": len(allowed_cpus()) or os.cpu_count(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
    }
