"""The command `stridecast`: converts files, explains formats and plans, says what is installed.

Here are arguments, the terminal and exit codes; the work is done by _convert_file.py,
_describe_file.py, the package, and for `stridecast bench` by stridecast_bench.
"""

from __future__ import annotations

import contextlib
import enum
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

import stridecast
from stridecast._convert_file import Summary, convert_file
from stridecast._describe_file import describe_file
from stridecast._files import FileConversionError
from stridecast_bench.command import bench

EXIT_FAILED = 1  # the input, a file or a value is at fault
EXIT_USAGE = 2  # the command line is at fault

app = typer.Typer(
    name="stridecast",
    help="Converts, explains and inspects strided buffers and the files that hold them.",
    epilog="Exit codes: 0 done; 1 an input, a file or a value is at fault, and nothing was "
    "written; 2 the command line is at fault; 130 and 143 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Overflow(enum.StrEnum):
    """What a value that does not fit becomes."""

    WRAP = "wrap"
    SATURATE = "saturate"
    RAISE = "raise"
    NAT = "nat"


class _Terminated(BaseException):
    """SIGTERM or SIGHUP arrived: leave as after an interrupt, and clean up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@app.command("convert")
def convert_command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN", help="the file to read: .safetensors, .npy, or raw bytes with --format"
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="the file to write, replaced if it exists: .safetensors, .npy, else raw bytes",
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FMT",
            help="format of the result; of tensors d (F64), f (F32), e (F16) or E (BF16)",
        ),
    ],
    fmt: Annotated[
        str | None,
        typer.Option("--format", metavar="FMT", help="what the raw bytes of IN are, e.g. <H"),
    ] = None,
    shape: Annotated[
        str | None,
        typer.Option(metavar="SIZES", help="of raw bytes, e.g. 480,640; default: one dimension"),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="GLOB",
            help="convert only tensors whose name matches; may be given more than once",
        ),
    ] = None,
    overflow: Annotated[
        Overflow | None,
        typer.Option(
            help="what a value too large for FMT becomes: infinity or its low bits (wrap), the "
            "largest value (saturate), an error (raise), of times NaT (nat); default: wrap, of "
            "times raise"
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="at most N threads; default: all cores")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="allow OUT to be the file IN itself")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="print nothing but errors")] = False,
) -> None:
    """Converts the tensors of a file, or an array, to another format.

    From .safetensors to .safetensors every F64, F32, F16 and BF16 tensor becomes FMT; other tensors
    and the metadata are carried over unchanged. Between other files it is one array: the one that
    --only chooses, where IN has several. OUT appears, or is replaced, only when it is complete and
    on disk; on every error and interrupt it stays as it was.
    """
    sizes = None if shape is None else _integers(shape, "--shape")
    started = time.perf_counter()
    try:
        with _progress_bar(quiet) as start:
            summary = convert_file(
                source,
                target,
                to,
                only=only or (),
                format=fmt,
                shape=sizes,
                overflow=overflow,
                threads=threads,
                force=force,
                start=start,
            )
    except FileConversionError as error:
        _fail(str(error))
    except ValueError as error:
        _usage_error(error)
    if not quiet:
        with contextlib.suppress(OSError):  # OUT is there: what cannot be told fails nothing
            _print(_describe(summary, target, time.perf_counter() - started) + "\n")


@app.command()
def explain(
    fmt: Annotated[str, typer.Argument(metavar="FMT", help='a format text, e.g. "T{<d:x:E:w:}"')],
    fmt2: Annotated[
        str | None, typer.Argument(metavar="[FMT2]", help="the format to convert to")
    ] = None,
    shape: Annotated[
        str | None,
        typer.Option(metavar="SIZES", help="of the arrays, e.g. 480,640; needed with FMT2"),
    ] = None,
    strides: Annotated[
        str | None,
        typer.Option(metavar="BYTES", help="of the source, e.g. 2560,4; default: C order, packed"),
    ] = None,
    overflow: Annotated[Overflow | None, typer.Option(help="as for convert")] = None,
) -> None:
    """Prints what a format means, or the plan from one format to another."""
    try:
        if fmt2 is None:
            if shape is not None or strides is not None:
                _usage_error("--shape and --strides describe a plan: give a second format too")
            _print(stridecast.Format(fmt).describe())
            return
        if shape is None:
            _usage_error("a plan needs --shape, e.g. --shape 480,640")
        plan = stridecast.plan(
            fmt,
            fmt2,
            _integers(shape, "--shape"),
            src_strides=None if strides is None else _integers(strides, "--strides"),
            overflow=overflow,
        )
        _print(str(plan))
    except (ValueError, TypeError) as error:
        _fail(error)
    except OSError as error:
        _output_failed(error)


@app.command()
def info(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="a .safetensors or .npy file")
    ] = None,
) -> None:
    """Prints the version, SIMD targets, threads and libraries; or what a file holds."""
    try:
        _print(_installed() if file is None else describe_file(file))
    except FileConversionError as error:
        _fail(str(error))
    except ValueError as error:
        _usage_error(str(error))
    except OSError as error:
        _output_failed(error)


def _installed() -> str:
    try:
        active = stridecast.active_target()
    except ValueError as error:  # the environment names a target that is not here
        _fail(str(error))
    targets = (f"{t} (in use)" if t == active else t for t in stridecast.targets())
    lines = [
        f"stridecast {stridecast.__version__}, Python {platform.python_version()}",
        f"targets: {', '.join(targets)}",
        f"threads: {stridecast.get_threads()}",
        *stridecast.build_info(),
    ]
    return "".join(f"{line}\n" for line in lines)


app.command()(bench)


def main() -> NoReturn:
    """The console script."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Without a handler the temporary of a conversion would stay behind. What the parent told us
        # to ignore (nohup) stays ignored.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _terminate)
    try:
        app()
    except _Terminated as error:
        sys.exit(128 + error.number)
    sys.exit(0)


def _terminate(number: int, frame: object) -> None:
    raise _Terminated(number)


@contextlib.contextmanager
def _progress_bar(quiet: bool) -> Iterator[Callable[[int], Callable[[int], None]] | None]:
    """Gives convert_file's `start`: a bar on stderr, or nothing where nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:

        def start(total: int) -> Callable[[int], None]:
            task = bar.add_task("converting", total=total)
            return lambda done: bar.advance(task, done)

        yield start


def _describe(summary: Summary, target: Path, seconds: float) -> str:
    return (
        f"{target}: {summary.what}, "
        f"{_megabytes(summary.source_bytes)} to {_megabytes(summary.target_bytes)} "
        f"in {seconds:.2f} s"
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _integers(text: str, option: str) -> tuple[int, ...]:
    """The integers in "3,4"; the empty text is no integer at all, the shape of one item."""
    try:
        return tuple(int(part) for part in text.split(",")) if text.strip() else ()
    except ValueError:
        _usage_error(f"{option} {text!r}: must be integers with commas between, e.g. 480,640")


def _print(text: str) -> None:
    """Prints to stdout, with escapes for what its encoding lacks. Raises OSError."""
    if sys.stdout is None:  # closed by the parent
        return
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding, sys.stdout.errors or "strict")
    except UnicodeEncodeError:
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        print(text, end="", flush=True)
    except OSError:
        # What is still buffered would fail a second time when Python exits.
        with contextlib.suppress(OSError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.stdout.fileno())
            os.close(null)
        raise


def _output_failed(error: OSError) -> NoReturn:
    if isinstance(error, BrokenPipeError):  # the reader has seen enough
        raise typer.Exit(EXIT_FAILED)
    _fail(f"standard output: {error.strerror or error}")


def _fail(error: str | Exception) -> NoReturn:
    _print_error(error)
    raise typer.Exit(EXIT_FAILED)


def _usage_error(error: str | Exception) -> NoReturn:
    _print_error(error)
    raise typer.Exit(EXIT_USAGE)


def _print_error(error: str | Exception) -> None:
    if isinstance(error, stridecast.FormatError):
        # A format of the command line: below the message its text, and a caret below the mistake.
        lines = str(error).splitlines()
    else:
        # Always one line: names and messages come out of files.
        lines = [" ".join(str(error).split())]
    printable = (
        "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
        for line in lines
    )
    with contextlib.suppress(OSError):  # a closed stderr changes no exit code
        print("stridecast: error:", "\n".join(printable), file=sys.stderr)


if __name__ == "__main__":
    main()
