"""The command `stridecast bench`: its options, where results go, exit codes. run.py does the work.

Imported by stridecast's own command line, so that nothing heavy is imported here at the top.
"""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

#: What a run cannot do without.
NEEDED = ("numpy", "ml_dtypes")
EXIT_FAILED, EXIT_USAGE = 1, 2


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
    seconds: Annotated[float | None, typer.Option(help="Time for each cell and process.")] = None,
    output: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where results.json and index.html are put.")
    ] = Path("stridecast-bench"),
    library: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="libstridecast_bench: streams and C++ loops."),
    ] = None,
    limits: Annotated[bool, typer.Option(help="Measure what the machine moves.")] = True,
    listing: Annotated[
        bool, typer.Option("--list", help="Say what there is; time nothing.")
    ] = False,
) -> None:
    """Compares stridecast with what you would use instead, on this machine, and draws it.

    Every cell is one case beside one peer, timed in turn in one process, on pinned CPUs; its
    results are compared before anything is timed. What noise exceeds is not printed as a ratio.

        stridecast bench           # minutes; then open stridecast-bench/index.html

        stridecast bench --cases 'cast/L2/*' --peers torch
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        _usage(f"bench needs {' and '.join(missing)}: pip install 'stridecast[bench]'")
    from stridecast_bench import page, results, suites, terminal
    from stridecast_bench.measure import allowed_cpus
    from stridecast_bench.peers import GROUPS
    from stridecast_bench.run import Options, run

    if profile not in suites.PROFILES:
        _usage(f"no profile {profile!r}: {', '.join(suites.PROFILES)}")
    chosen = suites.PROFILES[profile]
    console = Console()
    if listing:
        _list(console, suites, GROUPS)
        return
    groups = tuple(peers.split(",")) if peers else GROUPS
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        _usage(f"no group of peers {unknown[0]!r}: {', '.join(GROUPS)}")
    cpus = len(allowed_cpus()) or 1
    options = Options(
        cases=tuple(cases or chosen.cases),
        seconds=seconds or chosen.seconds,
        groups=groups,
        threads=_counts(threads, cpus, chosen, suites),
        limits=limits,
        library=library,
        profile="" if cases else profile,
        command=shlex.join(["stridecast", *sys.argv[1:]]),
    )
    errors = Console(stderr=True)
    with errors.status("starting") as status:
        found = run(
            options,
            lambda group, count, case: status.update(
                f"{group}, {count} thread{'s' if count > 1 else ''}: {case}"
            ),
        )
    if not found.cells:
        _usage(f"no case matches {' '.join(options.cases)}: stridecast bench --list")
    output.mkdir(parents=True, exist_ok=True)
    results.save(found, output / "results.json")
    page.write_page(found, output / "index.html")
    terminal.report(found, console)
    console.print(f"\n{output / 'results.json'}, {output / 'index.html'}")
    if any(cell.failed for cell in found.cells):
        raise typer.Exit(EXIT_FAILED)


def _usage(message: str) -> None:
    typer.echo(f"stridecast: {message}", err=True)
    raise typer.Exit(EXIT_USAGE)


def _counts(text: str | None, cpus: int, chosen: object, suites: object) -> tuple[int, ...]:
    if text is None:
        return tuple(suites.thread_counts(cpus)) if chosen.threads else (1,)
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        _usage(f"--threads takes numbers with commas, not {text!r}")
    if min(counts) < 1 or max(counts) > cpus:
        _usage(f"--threads {text}: this process has {cpus} CPUs, and more threads measure nothing")
    return counts


def _list(console: Console, suites: object, groups: tuple[str, ...]) -> None:
    for name, profile in suites.PROFILES.items():
        console.print(f"{name:10} {profile.title}", highlight=False)
    console.print(f"\npeers: {', '.join(groups)}\n", highlight=False)
    for name, title in suites.FAMILIES.items():
        console.print(f"{name + '/*':16} {title}", highlight=False)
