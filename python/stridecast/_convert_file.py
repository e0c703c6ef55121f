"""Converts the floating-point tensors of a .safetensors file into a new file, window by window.

Source and target are cut into windows that lie anywhere and of any alignment; each is read with
pread, converted between two buffers that stay in the cache, and written with pwrite. So memory does
not grow with the file, and every thread works on its own window. Headers are checked by
_safetensors.py, the target's appearance is _atomic_file.py, the terminal is cli.py.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from stridecast import Buffer, Format, convert
from stridecast._atomic_file import AtomicFile
from stridecast._safetensors import (
    DTYPE_BITS,
    Header,
    SafetensorsError,
    Tensor,
    encode_header,
    read_header,
    tensor_bytes,
)

# The dtypes that are converted, with their format texts: files are little-endian on every host.
FORMAT_TEXTS = {"F64": "<d", "F32": "<f", "F16": "<e", "BF16": "<E"}

# All windows together, source and target; a single one is best when it stays in a core's cache.
MAX_WINDOW_BYTES = 64 << 20
_WINDOW_BYTES = 1 << 20

Progress = Callable[[int], None]  # called with the source bytes that were just done


class FileConversionError(Exception):
    """The file was not converted; the text, one line, says which file, what is wrong and where."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a conversion did."""

    converted: int  # tensors
    carried: int
    source_bytes: int  # of tensor data
    target_bytes: int


@dataclass(frozen=True, slots=True)
class _Job:
    """One source tensor and what becomes of it."""

    source: Tensor
    target: Tensor

    @property
    def is_converted(self) -> bool:
        return self.source.dtype != self.target.dtype


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbours in both files that are treated alike: `count` items from source to target.

    Offsets are bytes in the files. Carried runs count bytes and have equal dtypes.
    """

    source_offset: int
    target_offset: int
    count: int
    source_dtype: str
    target_dtype: str
    source_itemsize: int
    target_itemsize: int
    jobs: tuple[_Job, ...]

    def locate(self, item: int) -> tuple[Tensor, int]:
        """The tensor that item `item` of the run belongs to, and its place there."""
        for job in self.jobs:
            count = job.source.nbytes // self.source_itemsize
            if item < count:
                return job.source, item
            item -= count
        raise IndexError(item)


def target_dtype(text: str) -> str:
    """The safetensors dtype for a format text: "E" is "BF16". Raises ValueError for others."""
    canonical = Format(text)
    for dtype, format_text in FORMAT_TEXTS.items():
        if canonical == Format(format_text):
            return dtype
    choices = ", ".join(f"{text[1:]} ({dtype})" for dtype, text in FORMAT_TEXTS.items())
    raise ValueError(f"format {text!r}: a .safetensors file is converted to one of {choices}")


def convert_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    to: str,
    *,
    only: Sequence[str] = (),
    overflow: str | None = None,
    threads: int | None = None,
    force: bool = False,
    sync: bool = True,
    start: Callable[[int], Progress] | None = None,
) -> Summary:
    """Converts every F64, F32, F16 and BF16 tensor of `source` to the format `to`.

    Tensors of other dtypes, and those whose name matches none of the globs in `only`, are carried
    over byte for byte, and so is the metadata. `target` appears when everything has been written
    and synced; until then, and after every error, it is what it was. `overflow` is that of
    stridecast.convert. `threads` is at most the number of cores, and that by default. Where
    `target` is the file `source` itself, `force` is needed. `sync=False` leaves it to the system
    when the bytes reach the disk. `start` is called with the number of bytes to read, and what it
    returns with the bytes of each window that is done, from any thread.

    Raises FileConversionError, and ValueError where an argument makes no sense.

        convert_file("model.safetensors", "model-bf16.safetensors", "E")
    """
    dtype = target_dtype(to)
    if threads is not None and threads < 1:
        raise ValueError(f"threads={threads}: must be 1 or more")
    workers = min(threads or _cores(), _cores())
    with _reported(source):
        # Without O_NONBLOCK a pipe would wait here for its writer, before it can be refused.
        source_fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        with _reported(source):
            if not stat.S_ISREG(os.fstat(source_fd).st_mode):
                raise SafetensorsError("is no regular file")
            header = read_header(source_fd)
            jobs = _plan(header, dtype, only)
            target_header = encode_header((job.target for job in jobs), header.metadata)
        with _reported(target):
            if not force and _is_same_file(source_fd, target):
                raise SafetensorsError("is the input itself, which only --force allows")
            with AtomicFile(target) as file:
                _write_exactly(file.fd, target_header, 0)
                runs = _runs(jobs, header.data_start, len(target_header))
                source_bytes = sum(job.source.nbytes for job in jobs)
                progress = start(source_bytes) if start else lambda _: None
                pump = _Pump(source_fd, source, file.fd, runs, overflow, workers, progress)
                pump.run()
                file.commit(sync=sync)
    finally:
        with contextlib.suppress(OSError):  # it was only read
            os.close(source_fd)
    converted = sum(job.is_converted for job in jobs)
    target_bytes = sum(job.target.nbytes for job in jobs)
    return Summary(converted, len(jobs) - converted, source_bytes, target_bytes)


@contextlib.contextmanager
def _reported(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turns what goes wrong inside into a FileConversionError that names the file at fault."""
    try:
        yield
    except OSError as error:
        raise FileConversionError(f"{os.fspath(path)}: {error.strerror or error}") from error
    except SafetensorsError as error:
        raise FileConversionError(f"{os.fspath(path)}: {error}") from error


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


def _is_same_file(source_fd: int, target: str | os.PathLike[str]) -> bool:
    try:
        return os.path.samestat(os.fstat(source_fd), os.stat(target))
    except FileNotFoundError:
        return False


def _plan(header: Header, dtype: str, only: Sequence[str]) -> list[_Job]:
    """What becomes of each tensor, in the order of the target's bytes."""
    for pattern in only:
        if not any(fnmatch.fnmatchcase(tensor.name, pattern) for tensor in header.tensors):
            raise SafetensorsError(f"no tensor's name matches --only {pattern!r}")

    def becomes(tensor: Tensor) -> str:
        chosen = not only or any(fnmatch.fnmatchcase(tensor.name, pattern) for pattern in only)
        return dtype if chosen and tensor.dtype in FORMAT_TEXTS else tensor.dtype

    # Wide items first, as the format's own writer has them, so that every tensor lies aligned to
    # its items; apart from that the source's order, so that it is read from front to back.
    chosen = [(tensor, becomes(tensor)) for tensor in header.tensors]
    chosen.sort(key=lambda pair: -DTYPE_BITS[pair[1]])
    jobs = []
    position = 0
    for tensor, new_dtype in chosen:
        size = tensor_bytes(new_dtype, tensor.shape, f"tensor {tensor.name!r}, converted")
        target = Tensor(tensor.name, new_dtype, tensor.shape, position, position + size)
        jobs.append(_Job(tensor, target))
        position += size
    return jobs


def _runs(jobs: Sequence[_Job], source_start: int, target_start: int) -> list[_Run]:
    """Joins neighbours that are treated alike: small tensors then cost no windows of their own."""
    groups: list[list[_Job]] = []
    for job in jobs:
        if job.source.nbytes == 0:
            continue
        last = groups[-1][-1] if groups else None
        if (
            last is not None
            and last.source.end == job.source.begin
            and last.is_converted == job.is_converted
            and (
                not job.is_converted
                or (last.source.dtype, last.target.dtype) == (job.source.dtype, job.target.dtype)
            )
        ):
            groups[-1].append(job)
        else:
            groups.append([job])
    runs = []
    for group in groups:
        first, last = group[0], group[-1]
        converted = first.is_converted
        source_itemsize = DTYPE_BITS[first.source.dtype] // 8 if converted else 1
        target_itemsize = DTYPE_BITS[first.target.dtype] // 8 if converted else 1
        runs.append(
            _Run(
                source_start + first.source.begin,
                target_start + first.target.begin,
                (last.source.end - first.source.begin) // source_itemsize,
                first.source.dtype,
                first.target.dtype,
                source_itemsize,
                target_itemsize,
                tuple(group) if converted else (),
            )
        )
    return runs


class _Pump:
    """Takes all windows of `runs` from one file to the other with a few threads.

    Windows are handed out in order. After an error the others finish the window they have and
    stop; so every window before a faulty one has been tried, and the error raised is the first.
    """

    def __init__(
        self,
        source_fd: int,
        source_path: str | os.PathLike[str],
        target_fd: int,
        runs: Sequence[_Run],
        overflow: str | None,
        workers: int,
        progress: Progress,
    ) -> None:
        self._source_fd = source_fd
        self._source_path = source_path
        self._target_fd = target_fd
        self._overflow = overflow
        self._progress = progress
        self._window_bytes = max(4096, min(_WINDOW_BYTES, MAX_WINDOW_BYTES // (2 * workers)))
        self._windows = enumerate(self._cut(runs))
        self._lock = threading.Lock()
        self._stopped = False
        self._errors: list[tuple[int, BaseException]] = []
        size = sum(run.count * run.source_itemsize for run in runs)
        self._workers = max(1, min(workers, size // self._window_bytes))

    def run(self) -> None:
        threads = [threading.Thread(target=self._work) for _ in range(self._workers - 1)]
        try:
            for thread in threads:
                thread.start()
            self._work()  # this thread is a worker too: it takes the interrupts
        except BaseException as error:
            self._stop(-1, error)
        # Also after an interrupt: the descriptors must stay open as long as a worker lives.
        for thread in threads:
            if thread.ident is not None:
                _join(thread, self._stop)
        if self._errors:
            raise min(self._errors, key=lambda entry: entry[0])[1]

    def _cut(self, runs: Sequence[_Run]) -> Iterator[tuple[_Run, int, int]]:
        for run in runs:
            step = self._window_bytes // max(run.source_itemsize, run.target_itemsize)
            for first in range(0, run.count, step):
                yield run, first, min(step, run.count - first)

    def _stop(self, order: int, error: BaseException) -> None:
        with self._lock:
            self._stopped = True
            self._errors.append((order, error))

    def _work(self) -> None:
        source = memoryview(bytearray(self._window_bytes))
        target = memoryview(bytearray(self._window_bytes))
        while True:
            with self._lock:
                item = None if self._stopped else next(self._windows, None)
            if item is None:
                return
            order, (run, first, count) = item
            try:
                self._do_window(run, first, count, source, target)
            except Exception as error:
                self._stop(order, error)
                return

    def _do_window(
        self, run: _Run, first: int, count: int, source: memoryview, target: memoryview
    ) -> None:
        source = source[: count * run.source_itemsize]
        source_offset = run.source_offset + first * run.source_itemsize
        with _reported(self._source_path):
            _read_exactly(self._source_fd, source, source_offset)
        if run.source_dtype == run.target_dtype:
            target = source
        else:
            target = target[: count * run.target_itemsize]
            self._convert(run, first, source, target)
        _write_exactly(self._target_fd, target, run.target_offset + first * run.target_itemsize)
        self._progress(len(source))

    def _convert(self, run: _Run, first: int, source: memoryview, target: memoryview) -> None:
        def convert_items(begin: int, end: int) -> None:
            src = source[begin * run.source_itemsize : end * run.source_itemsize]
            dst = target[begin * run.target_itemsize : end * run.target_itemsize]
            convert(
                Buffer(src).view(FORMAT_TEXTS[run.source_dtype]),
                None,
                out=Buffer(dst).view(FORMAT_TEXTS[run.target_dtype]),
                overflow=self._overflow,
                threads=1,  # the windows themselves are spread over the cores
            )

        count = len(source) // run.source_itemsize
        try:
            convert_items(0, count)
        except OverflowError:
            # Halve what holds the first faulty item until it stands alone: then its tensor, its
            # place there and its value are known.
            begin, end = 0, count
            while end - begin > 1:
                middle = (begin + end) // 2
                try:
                    convert_items(begin, middle)
                    begin = middle
                except OverflowError:
                    end = middle
            tensor, item = run.locate(first + begin)
            try:
                convert_items(begin, end)
            except OverflowError as error:
                raise FileConversionError(
                    f"{os.fspath(self._source_path)}: tensor {tensor.name!r}, element {item}: "
                    f"{str(error).removeprefix('element 0: ')}"
                ) from error
            raise


def _join(thread: threading.Thread, stop: Callable[[int, BaseException], None]) -> None:
    """Waits for `thread` whatever happens: a window takes milliseconds."""
    while thread.is_alive():
        try:
            thread.join()
        except BaseException as error:
            stop(-1, error)


def _read_exactly(fd: int, window: memoryview, offset: int) -> None:
    done = 0
    while done < len(window):
        size = os.preadv(fd, [window[done:]], offset + done)
        if size == 0:
            raise SafetensorsError(f"the file ended at byte {offset + done} while it was read")
        done += size


def _write_exactly(fd: int, data: bytes | memoryview, offset: int) -> None:
    view = memoryview(data)
    done = 0
    while done < len(view):
        size = os.pwrite(fd, view[done:], offset + done)
        if size == 0:
            raise OSError(errno.EIO, "a write wrote nothing")
        done += size
