"""Files as the converters need them: bytes at offsets, and errors that name the file."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import stat
from collections.abc import Iterator

Path = str | os.PathLike[str]


class FileConversionError(Exception):
    """The file was not converted; the text, one line, says which file, what is wrong and where."""


class FileFault(ValueError):
    """A file breaks a rule of its format; the text says which one and where, but not the file."""


def kind_of(path: Path) -> str:
    """What the file is by its name: ".safetensors", ".npy", or "" for raw bytes.

    Raises ValueError for names that promise what is neither read nor written.
    """
    name = os.fspath(path)
    if name == "-":
        raise ValueError(
            "'-': neither standard input nor standard output is converted, only files; for a file "
            "of that name give its folder too"
        )
    suffix = pathlib.Path(path).suffix.lower()
    if suffix == ".npz":
        raise ValueError(
            f"{name}: a .npz file is a zip of .npy files, which is neither read nor written; a "
            f".npy file holds one array (unzip takes those of a .npz file out)"
        )
    return suffix if suffix in (".safetensors", ".npy") else ""


@contextlib.contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turns what goes wrong inside into a FileConversionError that names the file at fault."""
    try:
        yield
    except OSError as error:
        raise FileConversionError(f"{os.fspath(path)}: {error.strerror or error}") from error
    except FileFault as error:
        raise FileConversionError(f"{os.fspath(path)}: {error}") from error


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor of the regular file `path`, to read."""
    with reported(path):
        # Without O_NONBLOCK a pipe would wait here for its writer, before it can be refused.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        with reported(path):
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise FileFault("is no regular file")
        yield fd
    finally:
        with contextlib.suppress(OSError):  # it was only read
            os.close(fd)


def is_same_file(source_fd: int, target: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(source_fd), os.stat(target))
    except FileNotFoundError:
        return False


def read_exactly(fd: int, window: memoryview, offset: int) -> None:
    """Fills `window` with the bytes from `offset` on."""
    done = 0
    while done < len(window):
        size = os.preadv(fd, [window[done:]], offset + done)
        if size == 0:
            raise FileFault(f"the file ended at byte {offset + done} while it was read")
        done += size


def write_exactly(fd: int, data: bytes | memoryview, offset: int) -> None:
    view = memoryview(data)
    done = 0
    while done < len(view):
        size = os.pwrite(fd, view[done:], offset + done)
        if size == 0:
            raise OSError(errno.EIO, "a write wrote nothing")
        done += size
