"""What a conversion leaves behind when it is killed, interrupted, or fails anywhere on its way."""

import errno
import os
import re
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from stridecast._atomic_file import AtomicFile
from stridecast._convert_file import FileConversionError, convert_file
from stridecast._safetensors import Tensor, encode_header

COMMAND = [sys.executable, "-m", "stridecast.cli", "convert"]


def write_large(path, items):
    """A file of `items` float32 zeros that takes no room on disk."""
    header = encode_header([Tensor("zeros", "F32", (items,), 0, 4 * items)], {"k": "v"})
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + 4 * items)


def temporaries(folder):
    return [name for name in os.listdir(folder) if name.endswith(".tmp")]


def _default_signals():
    # A background job of a script, or nohup, ignores some of them, and children inherit that.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start_and_wait_for_data(source, target):
    """A conversion in another process that has written a part of its temporary."""
    process = subprocess.Popen(
        [*COMMAND, source, target, "--to", "d", "--threads", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_default_signals,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        mine = [name for name in temporaries(target.parent) if f"-{process.pid}-" in name]
        if mine and (target.parent / mine[0]).stat().st_size > 1 << 20:
            return process
        assert process.poll() is None, process.communicate()
        time.sleep(0.001)
    process.kill()
    raise AssertionError("no temporary appeared")


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "in.safetensors"
    write_large(path, 1 << 30)  # 4 GiB to read, 8 to write: nobody waits for the end
    return path


def test_a_killed_run_leaves_the_target_alone_and_the_next_run_cleans_up(large, tmp_path):
    target = tmp_path / "out.safetensors"
    target.write_bytes(b"as it was")
    stat = large.stat()
    for _ in range(3):
        process = start_and_wait_for_data(large, target)
        process.kill()
        process.communicate()
        assert target.read_bytes() == b"as it was"
        assert len(temporaries(tmp_path)) == 1  # each run removes the one before
        name = rf"\.out\.safetensors\.stridecast-{process.pid}-[0-9a-f]{{16}}\.tmp"
        assert re.fullmatch(name, temporaries(tmp_path)[0])
    assert (large.stat().st_mtime_ns, large.stat().st_size) == (stat.st_mtime_ns, stat.st_size)
    other = tmp_path / "out.safetensors.safetensors"
    small = tmp_path / "small.safetensors"
    save_file({"a": np.ones(3, np.float32)}, small)
    convert_file(small, other, "E")
    assert len(temporaries(tmp_path)) == 1, "another target's temporary is not ours to remove"
    convert_file(small, target, "E")
    assert temporaries(tmp_path) == []
    assert load_file(target)["a"].tolist() == [1, 1, 1]


def test_a_living_run_keeps_its_temporary(large, tmp_path):
    target = tmp_path / "out.safetensors"
    small = tmp_path / "small.safetensors"
    save_file({"a": np.ones(3, np.float32)}, small)
    process = start_and_wait_for_data(large, target)
    try:
        os.kill(process.pid, signal.SIGSTOP)
        convert_file(small, target, "E")
        assert len(temporaries(tmp_path)) == 1
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupted_run_cleans_up_itself(large, tmp_path, number, exit_code):
    process = start_and_wait_for_data(large, tmp_path / "out.safetensors")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == exit_code, err
    assert out == b""
    assert b"Traceback" not in err
    assert os.listdir(tmp_path) == ["in.safetensors"]


def test_memory_does_not_grow_with_the_file(tmp_path):
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    write_large(source, 110 << 20)  # 440 MiB
    # VmHWM and not ru_maxrss, which counts what the process was before it became this program.
    program = """
import sys
from stridecast import cli
try:
    cli.app(sys.argv[1:])
except SystemExit as stopped:
    assert not stopped.code, stopped.code
print(*(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    arguments = ["convert", source, target, "--to", "E", "--quiet"]
    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    kibibytes = int(result.stdout.split()[1])
    assert kibibytes < 250 * 1024
    assert target.stat().st_size > 220 << 20


def test_a_file_too_large_for_its_limit(tmp_path):
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    write_large(source, 4 << 20)
    target.write_bytes(b"as it was")
    result = subprocess.run(
        [*COMMAND, source, target, "--to", "E"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
    )
    assert result.returncode == 1
    assert result.stderr == f"stridecast: error: {target}: File too large\n"
    assert target.read_bytes() == b"as it was"
    assert temporaries(tmp_path) == []


class _Fault:
    """Makes one call of an os function fail; `reached` says whether there was such a call."""

    def __init__(self, monkeypatch, name, nth, code):
        self.reached = False
        self.calls = 0
        real = getattr(os, name)

        def faulty(*arguments, **options):
            self.calls += 1
            if self.calls == nth:
                self.reached = True
                if name == "close":
                    real(*arguments, **options)  # a failed close has closed all the same
                raise OSError(code, os.strerror(code))
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, faulty)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("open", errno.EACCES),
        ("pread", errno.EIO),
        ("preadv", errno.EIO),
        ("pwrite", errno.ENOSPC),
        ("fsync", errno.EIO),
        ("replace", errno.EACCES),
        ("close", errno.EIO),
        ("fstat", errno.EIO),
        ("fchmod", errno.EPERM),
    ],
)
def test_a_failure_at_any_call_leaves_the_old_file_or_the_new_one(tmp_path, name, code):
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save_file({"a": np.ones(3, np.float32), "b": np.ones(700_000, np.int8)}, source)
    original = source.read_bytes()
    reached = 0
    for nth in range(1, 100):
        target.write_bytes(b"as it was")
        error = None
        with pytest.MonkeyPatch.context() as monkeypatch:
            fault = _Fault(monkeypatch, name, nth, code)
            try:
                convert_file(source, target, "E", threads=1)
            except (FileConversionError, OSError) as caught:
                error = caught
        if not fault.reached:
            break
        reached += 1
        assert source.read_bytes() == original
        assert temporaries(tmp_path) == []
        if target.read_bytes() != b"as it was":
            assert load_file(target)["a"].tolist() == [1, 1, 1]
            # Only what happens after the rename may leave the new file.
            assert name in ("fsync", "close")
        else:
            assert isinstance(error, FileConversionError), (name, nth)
            assert os.strerror(code) in str(error)
    assert reached > 0


def test_short_writes_and_reads_go_on(monkeypatch, tmp_path):
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    values = np.arange(10_000, dtype=np.float32)
    save_file({"a": values}, source)
    pwrite, preadv = os.pwrite, os.preadv
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:777], at))
    monkeypatch.setattr(os, "preadv", lambda fd, parts, at: preadv(fd, [parts[0][:555]], at))
    convert_file(source, target, "d")
    assert load_file(target)["a"].tolist() == values.tolist()


def test_a_source_that_shrinks_while_it_is_read_is_an_error(monkeypatch, tmp_path):
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save_file({"a": np.ones(10_000, np.float32)}, source)
    preadv = os.preadv

    def shrink_first(fd, parts, at):
        os.truncate(source, 20_000)
        return preadv(fd, parts, at)

    monkeypatch.setattr(os, "preadv", shrink_first)
    with pytest.raises(FileConversionError, match=r"in\.safetensors: the file ended at byte 20000"):
        convert_file(source, target, "E")
    assert os.listdir(tmp_path) == ["in.safetensors"]


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    target.chmod(0o640)
    with AtomicFile(target) as file:
        os.pwrite(file.fd, b"new", 0)
        file.commit()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_name_as_long_as_names_get(tmp_path):
    target = tmp_path / ("n" * 255)
    with AtomicFile(target) as file:
        assert len(temporaries(tmp_path)) == 1
        file.commit()
    assert os.listdir(tmp_path) == [target.name]


def test_files_that_only_look_like_temporaries_are_left_alone(tmp_path):
    lookalikes = [".file.stridecast-1-abc.tmp", ".file.stridecast-x-0123456789abcdef.tmp", ".file"]
    for name in lookalikes:
        (tmp_path / name).write_bytes(b"")
    link = tmp_path / ".file.stridecast-1-0123456789abcdef.tmp"
    precious = tmp_path / "precious"
    precious.write_bytes(b"kept")
    link.symlink_to(precious)
    with AtomicFile(tmp_path / "file") as file:
        file.commit()
    assert precious.read_bytes() == b"kept"
    assert {*lookalikes, "file", "precious", link.name} == set(os.listdir(tmp_path))
