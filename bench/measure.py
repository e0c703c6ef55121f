"""How a comparison is timed: pinned, interleaved A B A B, the minimum of many, on warm memory.

Nothing here knows stridecast or its peers; what is compared is in peer_cases.py.
"""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import numpy as np

PAGE = 4096

#: Runs something `n` times and returns the nanoseconds that took.
Batch = Callable[[int], int]


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
    return scope["batch"]


def aligned(count: int, dtype: np.dtype, offset: int = 0) -> np.ndarray:
    """A zeroed 1-D array that starts `offset` bytes behind the start of a page."""
    dtype = np.dtype(dtype)
    memory = np.zeros(count * dtype.itemsize + 2 * PAGE, np.uint8)
    start = -memory.ctypes.data % PAGE + offset
    return memory[start : start + count * dtype.itemsize].view(dtype)


#: Where destinations start within a page: sources start at 0, and loads and stores whose addresses
#: agree in the low 12 bits would stall each other.
DESTINATION_OFFSET = PAGE // 2


def _calibrated(batch: Batch, target_ns: int) -> int:
    """How many calls take about `target_ns`, once warm."""
    calls = 1
    while True:
        elapsed = max(1, min(batch(calls), batch(calls)))
        if elapsed >= target_ns // 2 or calls >= 1 << 20:
            return calls
        calls = max(2 * calls, min(16 * calls, calls * target_ns // elapsed))


def _rounds(contenders: list[tuple[Batch, int]], best: list[float], seconds: float) -> int:
    """Interleaved rounds for `seconds`; `best` takes each contender's least ns a call."""
    end = time.perf_counter_ns() + int(seconds * 1e9)
    done = 0
    while done < 5 or time.perf_counter_ns() < end:
        for i, (batch, calls) in enumerate(contenders):
            best[i] = min(best[i], batch(calls) / calls)
        done += 1
    return done


def measure(case: Case, *, batch_ns: int = 40_000, close: float = 1.02) -> dict[str, object]:
    """The least time of every contender, in ns a call.

    Where a peer is as fast as we are, or nearly, up to three times the case's seconds are added:
    the minimum converges from above on both sides, so more rounds only make it truer.
    """
    if case.check is not None:
        case.check()
    batches = {"ours": case.ours, **case.peers}
    contenders = [(batch, _calibrated(batch, batch_ns)) for batch in batches.values()]
    best = [float("inf")] * len(contenders)
    rounds = _rounds(contenders, best, case.seconds)
    for _ in range(3):
        if min(best[1:]) >= close * best[0]:
            break
        rounds += _rounds(contenders, best, case.seconds)
    return {
        "ns": {name: round(ns, 2) for name, ns in zip(batches, best, strict=True)},
        "rounds": rounds,
        **({"facts": case.facts} if case.facts else {}),
    }


def allowed_cpus() -> list[int]:
    """The CPUs this process may use; empty where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@contextmanager
def quiet(cpu: int | None):
    """Pins the thread to `cpu` and keeps the garbage collector away."""
    before = os.sched_getaffinity(0) if cpu is not None else None
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
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


def find_library(path: str | None = None) -> Path | None:
    """libstridecast_bench: `path`, $STRIDECAST_BENCH_LIBRARY, or the newest under build*/."""
    given = path or os.environ.get("STRIDECAST_BENCH_LIBRARY")
    if given:
        return Path(given)
    root = Path(__file__).resolve().parent.parent
    found = [
        candidate
        for pattern in ("build*/bench", "build*/*/bench")
        for candidate in root.glob(f"{pattern}/libstridecast_bench.*")
        if candidate.suffix in (".so", ".dylib")
    ]
    return max(found, key=lambda candidate: candidate.stat().st_mtime, default=None)


class BenchLibrary:
    """The C++ side: stream() of bench/stream.h, and C++ calls that time themselves."""

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        self._stream = library.stream_run
        self._stream.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64] + [
            ctypes.c_int
        ] * 3
        for name in ("plan_lookup_ns", "parse_fresh_ns"):
            function = getattr(library, name)
            function.argtypes = [ctypes.c_int64]
            function.restype = ctypes.c_int64
            setattr(self, name, function)

    def stream(self, src: np.ndarray, dst: np.ndarray, *, non_temporal: bool) -> Batch:
        """A batch that moves the bytes that a cast of `src` into `dst` moves."""
        arguments = (
            ctypes.c_void_p(src.ctypes.data),
            ctypes.c_void_p(dst.ctypes.data),
            ctypes.c_int64(src.size),
            ctypes.c_int(src.itemsize),
            ctypes.c_int(dst.itemsize),
            ctypes.c_int(non_temporal),
        )
        if self._stream(*arguments) != 1:
            raise ValueError(f"no stream of {src.itemsize} and {dst.itemsize} bytes an item")
        return timed("stream(*arguments)", stream=self._stream, arguments=arguments)
