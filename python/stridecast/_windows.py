"""Takes items from one file to another, window by window.

Source and target are cut into windows that lie anywhere and of any alignment; each is read with
pread, converted between two buffers that stay in the cache, and written with pwrite. So memory does
not grow with the file, and every thread works on its own window. What lies where in the files is
for the callers to say.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from stridecast import Buffer, Format, convert
from stridecast._files import FileConversionError, Path, read_exactly, reported, write_exactly

# All windows together, source and target; a single one is best when it stays in a core's cache.
MAX_WINDOW_BYTES = 64 << 20
WINDOW_BYTES = 1 << 20

Progress = Callable[[int], None]  # called with the source bytes that were just done


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours in both files that are treated alike: `count` items from source to target.

    Offsets are bytes in the files. Items of equal formats are carried byte for byte.
    """

    source_offset: int
    target_offset: int
    count: int
    source_format: Format
    target_format: Format
    name_item: Callable[[int], str]  # what an error calls an item of the run

    @property
    def is_carried(self) -> bool:
        return self.source_format == self.target_format

    @property
    def window_itemsize(self) -> int:
        return max(self.source_format.itemsize, self.target_format.itemsize)


#: What convert raises for an item that does not convert, and for other things.
ITEM_ERRORS = (OverflowError, ValueError)


def is_of_an_item(error: Exception) -> bool:
    return str(error).startswith("element ")


def cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


class Pump:
    """Takes all windows of `runs` from one file to the other with a few threads.

    Windows are handed out in order. After an error the others finish the window they have and
    stop; so every window before a faulty one has been tried, and the error raised is the first.
    """

    def __init__(
        self,
        source_fd: int,
        source_path: Path,
        target_fd: int,
        runs: Sequence[Run],
        overflow: str | None,
        workers: int,
        progress: Progress,
    ) -> None:
        self._source_fd = source_fd
        self._source_path = source_path
        self._target_fd = target_fd
        self._overflow = overflow
        self._progress = progress
        self._window_bytes = max(
            4096,
            min(WINDOW_BYTES, MAX_WINDOW_BYTES // (2 * workers)),
            *(run.window_itemsize for run in runs),  # an item is never cut
        )
        self._windows = enumerate(self._cut(runs))
        self._lock = threading.Lock()
        self._stopped = False
        self._errors: list[tuple[int, BaseException]] = []
        size = sum(run.count * run.source_format.itemsize for run in runs)
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

    def _cut(self, runs: Sequence[Run]) -> Iterator[tuple[Run, int, int]]:
        for run in runs:
            step = self._window_bytes // run.window_itemsize
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
        self, run: Run, first: int, count: int, source: memoryview, target: memoryview
    ) -> None:
        source = source[: count * run.source_format.itemsize]
        source_offset = run.source_offset + first * run.source_format.itemsize
        with reported(self._source_path):
            read_exactly(self._source_fd, source, source_offset)
        if run.is_carried:
            target = source
        else:
            target = target[: count * run.target_format.itemsize]
            self._convert(run, first, source, target)
        target_offset = run.target_offset + first * run.target_format.itemsize
        write_exactly(self._target_fd, target, target_offset)
        self._progress(len(source))

    def _convert(self, run: Run, first: int, source: memoryview, target: memoryview) -> None:
        source_size, target_size = run.source_format.itemsize, run.target_format.itemsize

        def convert_items(begin: int, end: int) -> None:
            src = source[begin * source_size : end * source_size]
            dst = target[begin * target_size : end * target_size]
            convert(
                Buffer(src).view(run.source_format),
                None,
                out=Buffer(dst).view(run.target_format),
                overflow=self._overflow,
                threads=1,  # the windows themselves are spread over the cores
            )

        count = len(source) // source_size
        try:
            convert_items(0, count)
        except ITEM_ERRORS as error:
            if not is_of_an_item(error):
                raise
            # Halve what holds the first faulty item until it stands alone: then its place in the
            # file and its value are known.
            begin, end = 0, count
            while end - begin > 1:
                middle = (begin + end) // 2
                try:
                    convert_items(begin, middle)
                    begin = middle
                except ITEM_ERRORS:
                    end = middle
            try:
                convert_items(begin, end)
            except ITEM_ERRORS as error:
                raise FileConversionError(
                    f"{os.fspath(self._source_path)}: {run.name_item(first + begin)}"
                    f"{str(error).removeprefix('element 0')}"
                ) from error
            raise


def _join(thread: threading.Thread, stop: Callable[[int, BaseException], None]) -> None:
    """Waits for `thread` whatever happens: a window takes milliseconds."""
    while thread.is_alive():
        try:
            thread.join()
        except BaseException as error:
            stop(-1, error)
