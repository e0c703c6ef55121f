"""The command line on real files: results against the safetensors package, errors, exit codes."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors import deserialize, safe_open
from safetensors.numpy import load_file, save_file

import stridecast
from stridecast import _convert_file, _windows, cli

FLOATS = {"d": "F64", "f": "F32", "e": "F16", "E": "BF16"}
DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16}
# Values of every kind that float32 holds exactly: NumPy's detour through it then rounds once too.
VALUES = np.concatenate(
    [
        np.array([0.0, -0.0, 1.0, -1.5, 65504, 65520, 1e-8, 6e-8, 3.4e38, -3.4e38, 1e-45], "f4"),
        np.array([np.inf, -np.inf, np.nan, 1 / 3, 0.1], "f4"),
        np.random.default_rng(1).standard_normal(3001).astype("f4"),
    ]
)


@pytest.fixture
def run(capsys):
    """Runs the command in this process; gives (exit code, stdout, stderr)."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            cli.app([str(argument) for argument in arguments])
        return (stopped.value.code or 0, *capsys.readouterr())

    return run


def process(*arguments, stdout=subprocess.PIPE, **environment):
    """Runs the command in a process of its own, in this environment with changes."""
    return subprocess.run(
        [sys.executable, "-m", "stridecast.cli", *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=os.environ | environment,
        timeout=60,
    )


def mixed_tensors():
    with np.errstate(over="ignore"):
        tensors = {f"layer.{code}": VALUES.astype(DTYPES[FLOATS[code]]) for code in FLOATS}
    return tensors | {
        "layer.f.more": VALUES[:1000].reshape(10, 20, 5),
        "layer.f.odd": VALUES[:3],
        "scalar": np.array(1.1, np.float32),
        "empty": np.zeros((0, 4), np.float32),
        "ids": np.arange(7, dtype=np.int64),
        "mask": np.array([True, False, True]),
        "bytes": np.arange(5, dtype=np.uint8),
        "f8": np.arange(9, dtype=np.uint8).view(ml_dtypes.float8_e4m3fn),
    }


@pytest.fixture
def mixed(tmp_path):
    path = tmp_path / "in.safetensors"
    save_file(mixed_tensors(), path, metadata={"format": "pt", "né": "ü"})
    return path


def load_raw(path):
    """Name to (dtype, shape, bytes), as the safetensors package reads them."""
    tensors = deserialize(path.read_bytes())
    return {name: (t["dtype"], t["shape"], bytes(t["data"])) for name, t in tensors}


def expect_converted(source, target, code, chosen=lambda name: True):
    before, after = load_raw(source), load_raw(target)
    assert before.keys() == after.keys()
    for name, (dtype, shape, data) in before.items():
        if chosen(name) and dtype in DTYPES and dtype != FLOATS[code]:
            with np.errstate(over="ignore", invalid="ignore"):
                data = np.frombuffer(data, DTYPES[dtype]).astype(DTYPES[FLOATS[code]]).tobytes()
            dtype = FLOATS[code]
        assert after[name] == (dtype, shape, data), name
    with safe_open(source, "numpy") as one, safe_open(target, "numpy") as other:
        assert one.metadata() == other.metadata()


@pytest.mark.parametrize("code", FLOATS)
@pytest.mark.parametrize("threads", [1, 2])
def test_every_float_tensor_is_converted_and_the_rest_carried(run, mixed, tmp_path, code, threads):
    target = tmp_path / "out.safetensors"
    exit_code, out, err = run("convert", mixed, target, "--to", code, "--threads", threads)
    assert (exit_code, err) == (0, "")
    # 8 float tensors, one of which has the wanted type already; f has 4 more of its own.
    carried = 4 + sum(t.dtype == DTYPES[FLOATS[code]] for t in mixed_tensors().values())
    assert f"{12 - carried} tensors converted, {carried} carried over" in out
    expect_converted(mixed, target, code)
    assert sorted(os.listdir(tmp_path)) == ["in.safetensors", "out.safetensors"]


def test_a_file_without_metadata_gets_none(run, tmp_path):
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save_file({"a": VALUES}, source)
    assert run("convert", source, target, "--to", "E", "--quiet") == (0, "", "")
    expect_converted(source, target, "E")


def test_only_chooses_by_name(run, mixed, tmp_path):
    target = tmp_path / "out.safetensors"
    arguments = ("--to", "E", "--only", "*.f", "--only", "layer.?.odd")
    assert run("convert", mixed, target, *arguments)[0] == 0
    expect_converted(mixed, target, "E", lambda name: name in ("layer.f", "layer.f.odd"))


def test_a_pattern_that_matches_nothing_is_an_error(run, mixed, tmp_path):
    exit_code, _, err = run("convert", mixed, tmp_path / "o.safetensors", "--to=E", "--only=x*")
    assert exit_code == 1
    assert "no tensor's name matches --only 'x*'" in err
    assert os.listdir(tmp_path) == ["in.safetensors"]


@pytest.mark.parametrize("threads", [1, 3])
def test_windows_leave_no_seams(monkeypatch, mixed, tmp_path, threads):
    monkeypatch.setattr(_windows, "WINDOW_BYTES", 4096)
    monkeypatch.setattr(_windows, "cores", lambda: threads)
    for code in FLOATS:
        _convert_file.convert_file(mixed, tmp_path / "out.safetensors", code, threads=threads)
        expect_converted(mixed, tmp_path / "out.safetensors", code)


def test_overflow_saturate_and_raise(run, tmp_path):
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    values = np.ones(5000, np.float32)
    values[4321] = -1e6
    save_file({"a": np.ones(77, np.float32), "b.big": values}, source)
    assert run("convert", source, target, "--to", "e", "--overflow", "saturate")[0] == 0
    assert load_file(target)["b.big"][4321] == -65504
    target.unlink()
    exit_code, out, err = run("convert", source, target, "--to", "e", "--overflow", "raise")
    assert (exit_code, out) == (1, "")
    assert err.count("\n") == 1
    assert "tensor 'b.big', element 4321: -1" in err
    assert not target.exists()


@pytest.mark.parametrize("threads", [1, 3])
def test_raise_names_the_first_tensor_at_fault(monkeypatch, tmp_path, threads):
    monkeypatch.setattr(_windows, "WINDOW_BYTES", 4096)
    monkeypatch.setattr(_windows, "cores", lambda: threads)
    source = tmp_path / "in.safetensors"
    tensors = {f"t{i:02}": np.full(999, 1e30 if i >= 20 else 1, np.float32) for i in range(60)}
    save_file(tensors, source)
    with pytest.raises(_convert_file.FileConversionError, match="tensor 't20', element 0: 1"):
        _convert_file.convert_file(
            source, tmp_path / "o.safetensors", "e", overflow="raise", threads=threads
        )
    assert os.listdir(tmp_path) == ["in.safetensors"]


def corrupt(content, how):
    length = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    if how == "truncated":
        return content[:-1]
    if how == "longer":
        return content + b"\0"
    if how == "header length":
        return (2**40).to_bytes(8, "little") + content[8:]
    if how == "json":
        return content.replace(b"{", b"[", 1)
    if how == "overlap":
        header["scalar"]["data_offsets"][0] -= 4
    if how == "gap":
        header["mask"]["data_offsets"] = [x + 1 for x in header["mask"]["data_offsets"]]
    if how == "dtype":
        header["scalar"]["dtype"] = "F33"
    if how == "shape":
        header["layer.f"]["shape"] = [2**62, 8]
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("truncated", "bytes, but"),
        ("longer", "bytes, but"),
        ("header length", "header length: 1099511627776 bytes"),
        ("json", "header: must begin with"),
        ("overlap", "tensor 'scalar': data_offsets span 8 bytes"),
        ("gap", "tensor 'mask': begins at data byte"),
        ("dtype", "tensor 'scalar': the dtype 'F33' is unknown"),
        ("shape", "tensor 'layer.f': the number of elements overflows"),
    ],
)
def test_corrupt_files_are_named_and_nothing_is_written(run, mixed, tmp_path, how, message):
    source, target = tmp_path / "bad.safetensors", tmp_path / "out.safetensors"
    source.write_bytes(corrupt(mixed.read_bytes(), how))
    target.write_bytes(b"as it was")
    exit_code, out, err = run("convert", source, target, "--to", "E")
    assert (exit_code, out) == (1, "")
    assert err.startswith(f"stridecast: error: {source}: ")
    assert message in err
    assert err.count("\n") == 1
    assert target.read_bytes() == b"as it was"
    assert len(os.listdir(tmp_path)) == 3


def test_names_out_of_a_file_cannot_write_to_the_terminal(run, tmp_path):
    source = tmp_path / "in.safetensors"
    text = json.dumps({"\x1b[2J\na": 1}).encode()
    source.write_bytes(len(text).to_bytes(8, "little") + text)
    _, _, err = run("convert", source, tmp_path / "out.safetensors", "--to", "E")
    assert "\x1b" not in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in.safetensors", "out.safetensors", "--to", "i"], "converted to one of d (F64)"),
        (["in.safetensors", "out.safetensors", "--to", ">f"], "converted to one of d (F64)"),
        (["in.safetensors", "out.safetensors", "--to", "T{f:"], "byte 3"),
        (["in.safetensors", "out.safetensors", "--to", "float32"], "float32"),
        (["in.bin", "out.safetensors", "--to", "E"], "in.bin: raw bytes, which need --format"),
        (["in.safetensors", "out.safetensors", "--to", "E", "--threads", "0"], "threads"),
        (["in.safetensors", "out.safetensors", "--to", "E", "--overflow", "x"], "overflow"),
        (["in.safetensors", "out.safetensors"], "--to"),
    ],
)
def test_a_wrong_command_line_is_exit_code_2(run, mixed, monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    exit_code, out, err = run("convert", *arguments)
    assert (exit_code, out) == (2, "")
    assert message in err
    assert os.listdir(tmp_path) == ["in.safetensors"]


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("none.safetensors", "out.safetensors", "none.safetensors: No such file"),
        ("folder.safetensors", "out.safetensors", "folder.safetensors: "),
        ("in.safetensors", "none/out.safetensors", "none/out.safetensors: No such file"),
        ("in.safetensors", "folder.safetensors", "is no regular file"),
        ("in.safetensors", "full.safetensors", "is no regular file"),
        ("pipe.safetensors", "out.safetensors", "is no regular file"),
    ],
)
def test_files_that_cannot_be(run, mixed, monkeypatch, tmp_path, source, target, message):
    monkeypatch.chdir(tmp_path)
    Path("folder.safetensors").mkdir()
    Path("full.safetensors").symlink_to("/dev/full")
    os.mkfifo("pipe.safetensors")
    exit_code, _, err = run("convert", source, target, "--to", "E")
    assert exit_code == 1
    assert message in err
    assert len(os.listdir(tmp_path)) == 4


@pytest.mark.parametrize("link", ["same", "symbolic", "hard"])
def test_the_input_is_the_output_only_if_asked_for(run, mixed, tmp_path, link):
    target = tmp_path / "out.safetensors"
    if link == "same":
        target = mixed
    elif link == "symbolic":
        target.symlink_to(mixed)
    else:
        target.hardlink_to(mixed)
    original = mixed.read_bytes()
    exit_code, _, err = run("convert", mixed, target, "--to", "E")
    assert exit_code == 1
    assert "is the input" in err
    assert "--force" in err
    assert mixed.read_bytes() == original
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(original)
    assert run("convert", mixed, target, "--to", "E", "--force")[0] == 0
    expect_converted(copy, target, "E")
    assert target.is_symlink() == (link == "symbolic")


def test_stderr_is_silent_unless_it_is_a_terminal(mixed, tmp_path):
    command = [sys.executable, "-m", "stridecast.cli", "convert", mixed]
    command += [tmp_path / "out.safetensors", "--to", "E"]
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    process = subprocess.Popen(command, stderr=theirs, stdout=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # what Linux says when the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.wait() == 0
    assert b"converting" in shown


def test_explain_prints_the_tree(run):
    exit_code, out, err = run("explain", "T{<d:x:(2,3)<E:w:T{b:a:>h:b:}:s:}")
    assert (exit_code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert [line[1] for line in lines[1:]] == ["-", "x", "w", "s", "a", "b"]
    assert "bfloat16" in lines[3]
    assert "(2,3)" in lines[3]


def test_explain_prints_the_plan(run):
    exit_code, out, _ = run("explain", "f", "E", "--shape", "480,640", "--strides", "5120,8")
    assert exit_code == 0
    assert out == str(stridecast.plan("f", "E", (480, 640), src_strides=(5120, 8), overflow="wrap"))


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["T{f"], 1, ""),
        (["f", "E"], 2, "--shape"),
        (["f", "--shape", "3"], 2, "second format"),
        (["f", "E", "--shape", "3,x"], 2, "must be integers"),
        (["f", "T{f:a:f:b:}", "--shape", "3"], 1, ""),
    ],
)
def test_explain_says_what_is_wrong(run, arguments, exit_code, message):
    code, out, err = run("explain", *arguments)
    assert (code, out) == (exit_code, "")
    assert message in err
    assert err.startswith("stridecast: error: ")


@pytest.mark.parametrize(
    "arguments",
    [["explain", "T{f:a:i<"], ["convert", "in.safetensors", "x.npy", "--to", "T{f:a:i<"]],
)
def test_a_caret_stands_below_the_mistake(run, mixed, monkeypatch, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)
    _, _, err = run(*arguments)
    message, text, caret = err.splitlines()
    assert message.startswith("stridecast: error: bad format at byte ")
    position = int(message.split()[6].rstrip(":"))
    assert text[caret.index("^") :] == "T{f:a:i<"[position:]


def test_info_names_version_targets_and_threads(run):
    exit_code, out, _ = run("info")
    assert exit_code == 0
    assert stridecast.__version__ in out
    assert all(target in out for target in stridecast.targets())
    assert "threads" in out


def test_info_says_that_the_environment_names_no_target():
    result = process("info", STRIDECAST_TARGET="ABACUS")
    assert result.returncode == 1
    assert result.stderr.startswith(b"stridecast: error: no SIMD target 'ABACUS'")
    assert result.stderr.count(b"\n") == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_stdout_fails_what_only_prints(mixed, unbuffered):
    target = mixed.with_name("out.safetensors")
    with open("/dev/full", "wb") as full:
        for arguments in (["info"], ["explain", "f"], ["explain", "f", "E", "--shape", "3"]):
            result = process(*arguments, stdout=full, PYTHONUNBUFFERED=unbuffered)
            assert result.returncode == 1
            assert result.stderr == b"stridecast: error: standard output: No space left on device\n"
        convert = ("convert", mixed, target, "--to", "E")
        result = process(*convert, stdout=full, PYTHONUNBUFFERED=unbuffered)
    assert (result.returncode, result.stderr) == (0, b"")
    assert target.exists()


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict"])
def test_stdout_of_any_encoding_takes_any_name(mixed, encoding):
    target = os.fsencode(mixed.with_name("é.safetensors")).replace(b".safe", b"\xff.safe")
    result = process("convert", mixed, target, "--to", "E", PYTHONIOENCODING=encoding)
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"\\udcff.safetensors: " in result.stdout
    result = process("explain", "T{f:é:}", PYTHONIOENCODING=encoding)
    assert (result.returncode, result.stderr) == (0, b"")


def test_help_tells_every_command_and_the_exit_codes(run):
    exit_code, out, _ = run("--help")
    assert exit_code == 0
    assert all(word in out for word in ("convert", "explain", "info", "Exit codes"))
