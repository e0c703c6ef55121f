"""A file that appears under its name only when it is whole.

The bytes go to a temporary in the target's folder, `.NAME.stridecast-<pid>-<random>.tmp`; `commit`
syncs it and renames it onto the target. Whatever happens before that leaves the target as it was.
A killed process leaves its temporary behind: the next AtomicFile for the same target removes it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import stat
from types import TracebackType

_TEMPORARY = re.compile(r"\.stridecast-[0-9]+-[0-9a-f]{16}\.tmp")


class AtomicFile:
    """Opens a temporary for `path`; `fd` takes the bytes, `commit` puts them under the name.

    A symbolic link is followed, so that the file it names is replaced and the link stays. Leaving
    the `with` block without a commit removes the temporary. All errors are OSError.

        with AtomicFile("weights.safetensors") as file:
            os.pwrite(file.fd, data, 0)
            file.commit()
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.realpath(path)
        folder, self._name = os.path.split(self.path)
        self._temporary: str | None = None
        self._folder_fd = -1
        self._lock_fd = -1
        self.fd = -1
        try:
            self._folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            mode = self._target_mode()
            self._remove_stale()
            self._create()
            if mode is not None:
                os.fchmod(self.fd, mode)
        except BaseException:
            self.discard()
            raise

    def commit(self, *, sync: bool = True) -> None:
        """Syncs, closes and renames; with `sync=False` leaves it to the system when to write."""
        assert self._temporary is not None
        if sync:
            os.fsync(self.fd)
        # The lock lives in a duplicate: closing reports its errors before the rename, and the
        # temporary stays locked until it has its final name.
        fd, self.fd = self.fd, -1
        os.close(fd)
        os.replace(
            self._temporary, self._name, src_dir_fd=self._folder_fd, dst_dir_fd=self._folder_fd
        )
        self._temporary = None
        if sync:
            os.fsync(self._folder_fd)

    def discard(self) -> None:
        """Removes the temporary, if it is still there, and closes everything. Never fails."""
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary, dir_fd=self._folder_fd)
            self._temporary = None
        for fd in (self.fd, self._lock_fd, self._folder_fd):
            if fd >= 0:
                with contextlib.suppress(OSError):
                    os.close(fd)
        self.fd = self._lock_fd = self._folder_fd = -1

    def __enter__(self) -> AtomicFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()

    def _target_mode(self) -> int | None:
        """The permissions to keep: those of the file that will be replaced."""
        try:
            target = os.stat(self._name, dir_fd=self._folder_fd)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(target.st_mode):
            raise OSError(
                errno.EINVAL, "is no regular file, and only such a file is replaced", self.path
            )
        return stat.S_IMODE(target.st_mode)

    def _prefix(self) -> str:
        # A temporary's name must not be longer than a folder allows where the target's is not.
        if len(os.fsencode(self._name)) <= 200:
            return "." + self._name
        return "." + hashlib.sha256(os.fsencode(self._name)).hexdigest()

    def _create(self) -> None:
        # Another run may take a temporary for a dead one's between its creation and its lock, and
        # remove it; then it has no name any more, and the next try makes another.
        for _ in range(100):
            name = f"{self._prefix()}.stridecast-{os.getpid()}-{secrets.token_hex(8)}.tmp"
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._temporary = name  # before it exists: an interrupt must not leave it behind
            self.fd = os.open(name, flags, 0o666, dir_fd=self._folder_fd)
            self._lock_fd = os.dup(self.fd)
            # Without locks on this file system nothing of ours is ever taken for stale.
            with contextlib.suppress(OSError):
                fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(self.fd).st_nlink > 0:
                return
            os.close(self._lock_fd)
            os.close(self.fd)
            self.fd = self._lock_fd = -1
            self._temporary = None
        raise OSError(errno.EBUSY, "other processes keep removing its temporary files", self.path)

    def _remove_stale(self) -> None:
        """Removes this target's temporaries that no living process holds locked.

        The lock decides and not the process number, which means nothing in another container.
        """
        prefix = self._prefix()
        for name in os.listdir(self._folder_fd):
            if name.startswith(prefix) and _TEMPORARY.fullmatch(name, len(prefix)):
                # What cannot be removed now is left to a later run: it is no reason to fail.
                with contextlib.suppress(OSError):
                    self._remove_unlocked(name)

    def _remove_unlocked(self, name: str) -> None:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        fd = os.open(name, flags, dir_fd=self._folder_fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=self._folder_fd)
        finally:
            os.close(fd)
