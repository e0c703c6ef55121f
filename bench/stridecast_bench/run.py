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
from stridecast_bench.measure import Work, short, taken
from stridecast_bench.peers import GROUPS, YARDSTICKS, is_installed
from stridecast_bench.results import Cell, Run, Speeds, Time
from stridecast_bench.suites import FAMILIES

#: Told which group, how many threads, which case is at hand.
Progress = Callable[[str, int, str], None]
#: In Run.absent, where a run was ended before its time.
INTERRUPTED = "interrupted"


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
    #: Of the cases those that are left out.
    without: tuple[str, ...] = ()
    profile: str = ""
    command: str = ""


@dataclass
class Found:
    """What the workers have said so far."""

    cells: dict[tuple[str, int], Cell] = field(default_factory=dict)
    work: dict[tuple[str, int], Work] = field(default_factory=dict)
    ends: list[dict] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)


def _python() -> tuple[list[str], dict[str, str]]:
    """An interpreter that finds the package that is running, and nothing of the current folder."""
    here = Path(__file__).resolve().parents[1]
    environment = dict(os.environ)
    if "site-packages" not in here.parts:  # a checkout
        others = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(here), others)))
    return [sys.executable, "-P", "-m"], environment


def _lines(arguments: list[str]) -> Iterator[dict]:
    """What a worker says; raises RuntimeError where it ends otherwise than by its end."""
    python, environment = _python()
    command = [*python, "stridecast_bench.worker", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as worker:
        try:
            for line in worker.stdout:
                yield json.loads(line)
        except ValueError as error:
            worker.kill()
            raise RuntimeError(f"the process said something else than results: {error}") from error
        except BaseException:
            worker.kill()
            raise
    if worker.returncode != 0:
        raise RuntimeError(f"the process ended with status {worker.returncode}")


def _library(options: Options) -> list[str]:
    return ["--library", str(options.library)] if options.library else []


def run_group(options: Options, group: str, threads: int, found: Found, tell: Progress) -> None:
    """The cases of one group of peers; a process that dies leaves the cell at hand as failed."""
    arguments = ["--group", group, "--threads", str(threads), "--seconds", str(options.seconds)]
    arguments += [part for case in options.cases for part in ("--cases", case)]
    arguments += [part for case in options.without for part in ("--without", case)]
    at = ""
    try:
        for line in _lines(arguments + _library(options)):
            if "at" in line:
                at = line["at"]["case"]
                tell(group, threads, at)
            elif "cell" in line:
                enter(line["cell"], group, threads, found, options.threshold)
            elif "end" in line:
                found.ends.append(line["end"])
    except RuntimeError as error:
        if at:
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
    ours = Time.of(taken(samples["ours"]))
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
        cell.fraction = short(cell.limit.ns / cell.ours.least)


def measured_speeds(options: Options) -> list[Speeds]:
    """By a process for each number of threads; none where the library is missing."""
    if not options.limits or options.library is None:
        return []
    python, environment = _python()
    found = []
    for threads in options.threads:
        command = [*python, "stridecast_bench.calibrate", "--threads", str(threads)]
        done = subprocess.run(
            command + _library(options),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            env=environment,
        )
        if done.returncode != 0:
            break
        found += [Speeds(**one) for one in json.loads(done.stdout)]
    return found


def in_order(cells: dict[tuple[str, int], Cell]) -> list[Cell]:
    families = {name: place for place, name in enumerate(FAMILIES)}
    return sorted(cells.values(), key=lambda cell: families.get(cell.family, len(families)))


def run(options: Options, tell: Progress = lambda *_: None) -> Run:
    """Times everything; minutes to hours. Ctrl-C ends it with what was found until then."""
    found = Found()
    speeds: list[Speeds] = []
    try:
        tell("limits", 1, "what this machine moves")
        speeds = measured_speeds(options)
        for threads in options.threads:
            for group in options.groups:
                if is_installed(group):
                    run_group(options, group, threads, found, tell)
                else:
                    found.absent[group] = "not installed"
    except KeyboardInterrupt:
        found.absent[INTERRUPTED] = "cells that are missing were not timed"
    for key, cell in found.cells.items():
        describe(cell, found.work.get(key), speeds)
    return summed_up(options, found, speeds)


def summed_up(options: Options, found: Found, speeds: list[Speeds]) -> Run:
    """What the workers found and said, as one value."""
    ends, cells = found.ends, in_order(found.cells)
    absent = {name: why for end in ends for name, why in end["absent"].items()}
    noises = [ratios.noise_of(samples) for cell in cells for samples in cell.samples.values()]
    families = dict.fromkeys(cell.family for cell in cells)
    return Run(
        command=options.command,
        made=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        machine={**(ends[0]["machine"] if ends else {}), "caches": cache_sizes()},
        versions={name: v for end in ends for name, v in end["versions"].items()},
        flags={
            "target": ends[0]["target"] if ends else "",
            "build": ends[0]["build"] if ends else "",
            "loops": ends[0]["loops"] if ends else "",
            "profile": options.profile,
            "cases": list(options.cases),
            "threads": list(options.threads),
            "seconds": options.seconds,
            "streams": options.library is not None,
        },
        absent=absent | found.absent,
        limits=speeds,
        noise=ratios.summary(noises, options.threshold),
        families={name: FAMILIES.get(name, name) for name in families},
        cells=cells,
    )
