"""A whole run: one process for every group of peers and number of threads, and what they found.

The parent times nothing. It starts workers one after the other, reads what they say (worker.py),
and makes cells of it: ratios with noise (ratios.py), limits (limits.py), the best of our times.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from stridecast_bench import ratios
from stridecast_bench.levels import cache_sizes
from stridecast_bench.limits import level_of, limit_of
from stridecast_bench.measure import Work
from stridecast_bench.peers import GROUPS, YARDSTICKS
from stridecast_bench.results import Cell, Run, Speeds, Time
from stridecast_bench.suites import FAMILIES

#: Told which group, how many threads, which case is at hand.
Progress = Callable[[str, int, str], None]


@dataclass(frozen=True)
class Options:
    """What to run; see the command's help."""

    cases: tuple[str, ...]
    seconds: float
    groups: tuple[str, ...] = GROUPS
    threads: tuple[int, ...] = (1,)
    threshold: float = ratios.THRESHOLD
    limits: bool = True
    library: Path | None = None
    profile: str = ""
    command: str = ""


@dataclass
class Found:
    """What the workers have said so far."""

    cells: dict[tuple[str, int], Cell] = field(default_factory=dict)
    work: dict[tuple[str, int], Work] = field(default_factory=dict)
    ends: list[dict] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)


def _environment() -> dict[str, str]:
    """That of this process, with the package that is running first on Python's path."""
    here = str(Path(__file__).resolve().parents[1])
    others = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (here, others)))}


def _lines(command: list[str]) -> Iterator[dict]:
    """What a worker says; raises RuntimeError where it ends otherwise than by its end."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment()) as worker:
        try:
            for line in worker.stdout:
                yield json.loads(line)
        finally:
            worker.kill() if sys.exc_info()[0] else worker.wait()
    if worker.returncode != 0:
        raise RuntimeError(f"the process ended with status {worker.returncode}")


def _worker_options(options: Options) -> list[str]:
    return ["--library", str(options.library)] if options.library else []


def run_group(options: Options, group: str, threads: int, found: Found, tell: Progress) -> None:
    """The cases of one group of peers; a process that dies leaves the cell at hand as failed."""
    command = [sys.executable, "-m", "stridecast_bench.worker", "--group", group]
    command += ["--threads", str(threads), "--seconds", str(options.seconds)]
    command += [part for case in options.cases for part in ("--cases", case)]
    at = ""
    try:
        for line in _lines(command + _worker_options(options)):
            if "at" in line:
                at = line["at"]["case"]
                tell(group, threads, at)
            elif "cell" in line:
                enter(line["cell"], group, threads, found, options.threshold)
            elif "end" in line:
                found.ends.append(line["end"])
    except RuntimeError as error:
        cell = found.cells.setdefault((at, threads), new_cell(at, threads))
        cell.failed = f"beside {group}: {error}"
        found.absent[group] = f"{error}, at {at or 'its start'}; cells after it were not timed"


def new_cell(case: str, threads: int) -> Cell:
    return Cell(case, case.partition("/")[0], threads=threads)


def enter(said: dict, group: str, threads: int, found: Found, threshold: float) -> None:
    """A worker's cell becomes part of the run's."""
    key = said["case"], threads
    cell = found.cells.setdefault(key, new_cell(*key))
    cell.unable = cell.unable or said.get("unable", "")
    if said.get("failed"):
        cell.failed = f"beside {group}: {said['failed']}"
    cell.left_out |= said.get("left_out", {})
    if said.get("work"):
        found.work[key] = Work(**said["work"])
    samples = said.get("samples")
    if not samples:
        return
    cell.samples[group] = samples
    for name, comparison in ratios.compare(samples, threshold).items():
        (cell.yardsticks if name in YARDSTICKS else cell.peers)[name] = comparison
    ours = Time.of(samples["ours"])
    if cell.ours is None or ours.least < cell.ours.least:
        cell.ours = ours


def describe(cell: Cell, work: Work | None, speeds: list[Speeds]) -> None:
    """What the cell moves, and what the machine needs for that."""
    if work is None:
        return
    cell.items, cell.read, cell.written = work.items, work.read, work.written
    cell.source, cell.destination = work.source, work.destination
    cell.level = level_of(work)
    cell.limit = limit_of(work, speeds)
    if cell.limit is not None and cell.ours is not None:
        cell.fraction = round(cell.limit.ns / cell.ours.least, 3)


def measured_speeds(options: Options) -> list[Speeds]:
    """By a process for each number of threads; none where the library is missing."""
    found = []
    for threads in options.threads if options.limits else ():
        command = [sys.executable, "-m", "stridecast_bench.calibrate", "--threads", str(threads)]
        done = subprocess.run(
            command + _worker_options(options),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            env=_environment(),
        )
        if done.returncode != 0:
            break
        found += [Speeds(**one) for one in json.loads(done.stdout)]
    return found


def in_order(cells: dict[tuple[str, int], Cell]) -> list[Cell]:
    families = {name: place for place, name in enumerate(FAMILIES)}
    return sorted(cells.values(), key=lambda cell: families.get(cell.family, len(families)))


def run(options: Options, tell: Progress = lambda *_: None) -> Run:
    """Times everything; minutes to hours."""
    found = Found()
    tell("limits", 1, "what this machine moves")
    speeds = measured_speeds(options)
    for threads in options.threads:
        for group in options.groups:
            run_group(options, group, threads, found, tell)
    for key, cell in found.cells.items():
        describe(cell, found.work.get(key), speeds)
    ends = found.ends
    absent = {name: why for end in ends for name, why in end["absent"].items()}
    noises = [
        ratios.noise_of(samples)
        for cell in found.cells.values()
        for samples in cell.samples.values()
    ]
    machine = {**(ends[0]["machine"] if ends else {}), "caches": cache_sizes()}
    families = dict.fromkeys(cell.family for cell in in_order(found.cells))
    return Run(
        command=options.command,
        made=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        machine=machine,
        versions={name: v for end in ends for name, v in end["versions"].items()},
        flags={
            "target": ends[0]["target"] if ends else "",
            "profile": options.profile,
            "cases": list(options.cases),
            "threads": list(options.threads),
            "seconds": options.seconds,
            "streams": bool(ends and ends[0]["library"]),
        },
        absent=absent | found.absent,
        limits=speeds,
        noise=ratios.summary(noises, options.threshold),
        families={name: FAMILIES.get(name, name) for name in families},
        cells=in_order(found.cells),
    )
