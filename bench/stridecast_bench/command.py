"""The command `stridecast bench`: its options, where results go, exit codes. run.py does the work.

Imported by stridecast's own command line, so that nothing heavy is imported here at the top.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from stridecast_bench.run import Options
    from stridecast_bench.suites import Profile

#: What a run cannot do without.
NEEDED = ("numpy", "ml_dtypes")
EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def bench(
    profile: Annotated[
        str, typer.Option(help="Which cases: check, quick, standard or full.")
    ] = "quick",
    cases: Annotated[
        list[str] | None,
        typer.Option("--cases", metavar="GLOB", help="These cases, in place of a profile's."),
    ] = None,
    peers: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Groups of peers, with commas: numpy,torch."),
    ] = None,
    threads: Annotated[
        str | None,
        typer.Option(metavar="COUNTS", help="Numbers of threads, with commas: 1,2,8."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="Time for each cell and process.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where results.json and index.html are put. Of a profile: stridecast-bench;"
            " of --cases: nowhere.",
        ),
    ] = None,
    library: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="libstridecast_bench, for limits and C++ loops."),
    ] = None,
    limits: Annotated[bool, typer.Option(help="Measure what the machine moves.")] = True,
    listing: Annotated[
        bool, typer.Option("--list", help="Say what there is; time nothing.")
    ] = False,
) -> None:
    """Compares stridecast with what you would use instead, on this machine, and draws it.

    A cell is one case. Ours and the peers' calls are timed in turn, in one process for every group
    of peers, on pinned CPUs; results are compared before. What noise exceeds is not printed as a
    ratio.

        stridecast bench           # minutes; then open stridecast-bench/index.html

        stridecast bench --cases 'cast/L2/*' --peers torch
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        _usage(f"bench needs {' and '.join(missing)}: pip install 'stridecast[bench]'")
    from stridecast_bench import measure, suites
    from stridecast_bench.library import find_library
    from stridecast_bench.peers import GROUPS
    from stridecast_bench.run import Options

    console = Console()
    if listing:
        _list(console, suites, GROUPS)
        return
    if profile not in suites.PROFILES:
        _usage(f"no profile {profile!r}: {', '.join(suites.PROFILES)}")
    chosen = suites.PROFILES[profile]
    groups = tuple(name.strip() for name in peers.split(",")) if peers else GROUPS
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        _usage(f"no group of peers {unknown[0]!r}: {', '.join(GROUPS)}")
    try:
        found_library = find_library(str(library) if library else None)
    except ValueError as error:
        _usage(str(error))
    options = Options(
        cases=tuple(cases or chosen.cases),
        without=() if cases else suites.WITHOUT,
        seconds=chosen.seconds if seconds is None else seconds,
        groups=groups,
        threads=_counts(
            threads, len(measure.allowed_cpus()) or os.cpu_count() or 1, chosen, suites
        ),
        limits=limits,
        library=found_library,
        profile="" if cases else profile,
        command=shlex.join(["stridecast", *sys.argv[1:]]),
    )
    _measure(options, output if cases else output or Path("stridecast-bench"), console)


def _measure(options: Options, output: Path | None, console: Console) -> None:
    """Runs, prints, and writes to a folder that is there before hours are spent."""
    from stridecast_bench import page, results, terminal
    from stridecast_bench.run import INTERRUPTED, run

    if output is not None:
        try:
            output.mkdir(parents=True, exist_ok=True)
            (output / "results.json").touch()
        except OSError as error:
            _usage(f"--output {output}: {error.strerror}")
    errors = Console(stderr=True)
    count = 0

    def tell(group: str, threads: int, case: str) -> None:
        nonlocal count
        count += 1
        on = f", {threads} threads" if threads > 1 else ""
        status.update(escape(f"{count}: {group}{on}: {case}"))

    with errors.status("starting") as status:
        found = run(options, tell)
    if not found.cells:
        _nothing(options, found.absent)
    if output is not None:
        results.save(found, output / "results.json")
        page.write_page(found, output / "index.html")
    terminal.report(found, console)
    for threads in options.threads:
        if not any(cell.threads == threads for cell in found.cells):
            errors.print(f"no case of these on {threads} threads: {_threaded()}", markup=False)
    if output is not None:
        where = f"\n{output / 'results.json'}, {output / 'index.html'}"
        console.print(where, markup=False, highlight=False)
    if INTERRUPTED in found.absent:
        raise typer.Exit(EXIT_INTERRUPTED)
    if any(cell.failed for cell in found.cells):
        raise typer.Exit(EXIT_FAILED)


def _threaded() -> str:
    from stridecast_bench.suites import THREADED

    return "those on several are " + ", ".join(f"{name}/*" for name in THREADED)


def _nothing(options: Options, absent: dict[str, str]) -> NoReturn:
    """Says why there is no cell."""
    on = f" on {max(options.threads)} threads ({_threaded()})" if max(options.threads) > 1 else ""
    why = "".join(f"; {name}: {reason}" for name, reason in absent.items())
    _usage(
        f"no case {' '.join(options.cases)}{on} beside {', '.join(options.groups)}{why};"
        " stridecast bench --list names families"
    )


def _usage(message: str) -> NoReturn:
    typer.echo(f"stridecast: {message}", err=True)
    raise typer.Exit(EXIT_USAGE)


def _counts(text: str | None, cpus: int, chosen: Profile, suites: ModuleType) -> tuple[int, ...]:
    if text is None:
        return tuple(suites.thread_counts(cpus)) if chosen.threads else (1,)
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        _usage(f"--threads takes numbers with commas, not {text!r}")
    if min(counts) < 1 or max(counts) > cpus:
        _usage(f"--threads {text}: this process has {cpus} CPUs, and more threads measure nothing")
    return counts


def _list(console: Console, suites: ModuleType, groups: tuple[str, ...]) -> None:
    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    for name, profile in suites.PROFILES.items():
        say(f"{name:18} {profile.title}")
    say(f"\npeers: {', '.join(groups)}\n")
    for name, title in suites.FAMILIES.items():
        say(f"{name + '/*':18} {title}")
