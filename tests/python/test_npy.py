"""stridecast convert on single arrays: .npy, raw bytes, one tensor; NumPy reads and writes too."""

import io
import os
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import stridecast as sc
from stridecast import _npy, _windows, cli
from stridecast._convert_file import convert_file
from stridecast._files import FileConversionError


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Runs the command in this process, in tmp_path; gives (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            cli.app([str(argument) for argument in arguments])
        return (stopped.value.code or 0, *capsys.readouterr())

    return run


def convert(run, *arguments):
    exit_code, out, err = run("convert", *arguments)
    assert (exit_code, err) == (0, "")
    return out


def fails(run, *arguments, code=1):
    before = {path: Path(path).read_bytes() for path in os.listdir()}
    exit_code, out, err = run("convert", *arguments)
    assert (exit_code, out) == (code, "")
    assert err.startswith("stridecast: error: ")
    assert err.count("\n") == 1 or err.endswith("^\n")  # a format and its caret
    assert {path: Path(path).read_bytes() for path in os.listdir()} == before
    return err


def header_of(dtype, shape, fortran_order):
    file = io.BytesIO()
    array = np.empty(shape, dtype, "F" if fortran_order else "C")
    np.lib.format.write_array(file, array)
    return file.getvalue()[: file.tell() - array.nbytes]


# .npy to .npy


@pytest.mark.parametrize("dtype", ["<f4", ">f4", ">i2", "|b1", "<u8", "<f2"])
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("to", ["d", ">H", "e"])
def test_numbers_in_both_byte_and_memory_orders(run, dtype, order, to):
    array = np.asarray(np.arange(24).reshape(2, 3, 4) % 50, dtype, order=order)
    np.save("in.npy", array)
    out = convert(run, "in.npy", "out.npy", "--to", to)
    assert out.startswith(f"out.npy: 2x3x4, '{sc.Format.of(array.dtype)}' to '{sc.Format(to)}', ")
    got = np.load("out.npy")
    assert got.dtype == {"d": "f8", ">H": ">u2", "e": "f2"}[to]
    assert (got == array).all()
    # Where both orders differ, the file keeps the source's.
    assert got.flags.f_contiguous == (order == "F")


@pytest.mark.parametrize(
    "spec",
    [
        ">M8[us]",
        "<m8[25ns]",
        "S5",
        ">U3",
        ">c16",
        "V6",
        [("a", "<i4"), ("b", ">f8", (2,)), ("caf\u00e9", "S3")],
        [("\u03b1", "<i2"), ("t", ">M8[D]")],
        {"names": ["x", "y"], "formats": ["u1", "f8"], "offsets": [2, 8], "itemsize": 24},
    ],
    ids=str,
)
@pytest.mark.parametrize("order", "CF")
@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")  # NumPy's, about Greek letters
def test_every_dtype_is_carried(run, spec, order):
    dtype = np.dtype(spec)
    items = np.frombuffer(bytes(i % 7 for i in range(dtype.itemsize * 6)), dtype)
    array = np.asarray(items.reshape(2, 3), order=order)
    np.save("in.npy", array)
    convert(run, "in.npy", "out.npy", "--to", sc.Format.of(dtype).text)
    got = np.load("out.npy")
    assert got.dtype == dtype and got.shape == (2, 3)
    assert got.tobytes() == np.load("in.npy").tobytes()


def test_structs_field_by_field(run):
    array = np.array([(1, 2.5), (-3, 4.5)], [("a", ">i2"), ("b", "<f4")])
    np.save("in.npy", array)
    convert(run, "in.npy", "out.npy", "--to", "T{d:a:e:b:}")
    assert np.load("out.npy").tolist() == [(1.0, 2.5), (-3.0, 4.5)]
    assert np.load("out.npy").dtype["b"] == "f2"


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1, 1), (5,)])
def test_shapes(run, shape):
    array = np.asarray(np.arange(np.prod(shape), dtype="i4").reshape(shape), order="F")
    np.save("in.npy", array)
    convert(run, "in.npy", "out.npy", "--to", "d")
    got = np.load("out.npy")
    assert got.shape == shape and (got == array).all()


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_versions(run, version):
    with open("in.npy", "wb") as file:
        np.lib.format.write_array(file, np.arange(5.0), version=version)
    convert(run, "in.npy", "out.npy", "--to", "f")
    assert np.load("out.npy").tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("dtype", ["<f4", ">M8[us]", "S3", [("a", "i4"), ("b", "f8", (2, 2))]])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (10**6, 7)])
@pytest.mark.parametrize("fortran_order", [False, True])
def test_our_headers_are_numpys(dtype, shape, fortran_order):
    dtype = np.dtype(dtype)
    header = _npy.encode_header(sc.Format.of(dtype), shape, fortran_order)
    file = io.BytesIO(header)
    assert np.lib.format.read_magic(file) == (1, 0)
    assert np.lib.format.read_array_header_1_0(file) == (shape, fortran_order, dtype)
    assert file.tell() == len(header) and len(header) % 64 == 0
    if shape != (10**6, 7) and len(shape) != 0:
        numpys = header_of(dtype, shape, fortran_order)
        assert np.lib.format.read_magic(io.BytesIO(numpys)) == (1, 0)
        assert len(numpys) == len(header)


def test_long_and_foreign_headers():
    many = np.dtype([(f"field{i}", "i2") for i in range(4000)])
    header = _npy.encode_header(sc.Format.of(many), (1,), False)
    assert header[6:8] == bytes([2, 0])
    greek = np.dtype([("\u03b1", "i2")])
    header = _npy.encode_header(sc.Format.of(greek), (1,), False)
    assert header[6:8] == bytes([3, 0])
    assert np.load(io.BytesIO(header + b"\1\0")).tolist() == [(1,)]


@pytest.mark.parametrize("threads", [1, 3])
def test_windows_leave_no_seams(monkeypatch, tmp_path, threads):
    monkeypatch.setattr(_windows, "WINDOW_BYTES", 4096)
    monkeypatch.setattr(_windows, "cores", lambda: threads)
    array = np.arange(50_000, dtype=">i4").reshape(100, 500)
    for order in "CF":
        np.save(tmp_path / "in.npy", np.asarray(array, order=order))
        for target in ("out.npy", "out.raw"):
            seen = []
            convert_file(
                tmp_path / "in.npy",
                tmp_path / target,
                "d",
                threads=threads,
                start=lambda total, seen=seen: (seen.append(-total), seen.append)[1],
            )
            assert sum(seen) == 0  # all bytes are told of
        assert (np.load(tmp_path / "out.npy") == array).all()
        assert (np.fromfile(tmp_path / "out.raw", "f8").reshape(100, 500) == array).all()


def test_an_item_larger_than_a_window(monkeypatch, tmp_path):
    monkeypatch.setattr(_windows, "WINDOW_BYTES", 4096)
    array = np.frombuffer(bytes(range(250)) * 60, "S5000")
    np.save(tmp_path / "in.npy", array)
    convert_file(tmp_path / "in.npy", tmp_path / "out.raw", "5000s")
    assert (tmp_path / "out.raw").read_bytes() == array.tobytes()


@pytest.mark.parametrize("target", ["out.npy", "out.raw"])
@pytest.mark.parametrize(("order", "shape"), [("C", (2000,)), ("C", (20, 100)), ("F", (20, 100))])
def test_a_value_at_fault_is_named_by_its_index(run, monkeypatch, order, shape, target):
    monkeypatch.setattr(_windows, "WINDOW_BYTES", 4096)
    array = np.ones(shape, "f4")
    array.reshape(-1)[1234] = 1e30
    np.save("in.npy", np.asarray(array, order=order))
    err = fails(run, "in.npy", target, "--to", "e", "--overflow", "raise")
    index = "1234" if len(shape) == 1 else "(12, 34)"
    assert f"in.npy: element {index}: 1" in err
    convert(run, "in.npy", target, "--to", "e", "--overflow", "saturate")


# Types that a file cannot name


@pytest.mark.parametrize(
    ("to", "ways"),
    [
        ("E", ["OUT.safetensors --to E", "--to f", "bits: --format H --to H"]),
        (">E", ["--to f", "bits: --format '>H' --to '>H'"]),
        ("[ml_dtypes$float8_e4m3fn$]", ["OUT.safetensors", "--to f", "bits: --format B --to B"]),
        ("T{E:a:i:b:}", ["a raw file"]),
    ],
)
def test_what_a_npy_file_cannot_name(run, to, ways):
    values = np.zeros(3, sc.Buffer(bytes(sc.Format(to).itemsize)).view(to).numpy().dtype)
    values.tofile("in.raw")
    err = fails(run, "in.raw", "out.npy", "--format", to, "--to", to)
    assert "out.npy: " in err and all(way in err for way in ways)
    assert ("--to f" in err) == ("--to f" in ways)  # which converts no structs
    assert (".safetensors" in err) == any(".safetensors" in way for way in ways)


def test_the_ways_out_of_it(run):
    values = np.array([0.5, 1.25, -3.0], "f4")
    np.save("in.npy", values)
    convert(run, "in.npy", "out.safetensors", "--to", "E")
    assert load_file("out.safetensors")["in"].tolist() == values.tolist()
    convert(run, "in.npy", "out.raw", "--to", "E")
    convert(run, "out.raw", "bits.npy", "--format", "H", "--to", "H")
    assert (np.load("bits.npy").view(ml_dtypes.bfloat16) == values).all()
    # From values the bits take two steps: the uint16 of a value is its number, not its bits.
    np.save("in.npy", values.reshape(3, 1))
    err = fails(run, "in.npy", "out.npy", "--to", "E")
    assert "OUT.raw --to E, and from that to .npy --format H --shape 3,1 --to H" in err


def test_items_without_a_type(run):
    values = np.array([[0.5, 1.25, -3.0]], ml_dtypes.bfloat16)
    np.save("in.npy", values)  # as V2
    err = fails(run, "in.npy", "out.npy", "--to", "f")
    assert "in.npy: items of 2 bytes without a type (V2, " in err
    assert "OUT.raw --to 2x, and convert that with --format E --shape 1,3" in err
    convert(run, "in.npy", "OUT.raw", "--to", "2x")
    convert(run, "OUT.raw", "out.npy", "--format", "E", "--shape", "1,3", "--to", "f")
    assert np.load("out.npy").tolist() == values.tolist()
    np.save("in.npy", np.zeros(3, "V6"))
    assert "what they are, write" in fails(run, "in.npy", "out.npy", "--to", "f")
    np.save("in.npy", np.zeros(3))
    assert "padding alone" in fails(run, "in.npy", "out.npy", "--to", "8x")


@pytest.mark.parametrize("target", ["out.npy", "out.raw", "out.safetensors"])
@pytest.mark.parametrize("to", ["", "0s"])
def test_items_of_no_bytes(run, target, to):
    np.save("in.npy", np.zeros(3))
    assert f"--to '{to}': items of 0 bytes" in fails(run, "in.npy", target, "--to", to, code=2)


# Names of files


def test_suffixes_in_capitals(run):
    np.save("in.npy", np.arange(3.0))
    convert(run, "in.npy", "OUT.NPY", "--to", "f")
    assert np.load("OUT.NPY").dtype == "f4"
    convert(run, "OUT.NPY", "out.SafeTensors", "--to", "e")
    assert load_file("out.SafeTensors")["OUT"].tolist() == [0, 1, 2]
    assert run("info", "out.SafeTensors")[1].startswith("OUT: <e (F16) 3, ")


@pytest.mark.parametrize("name", ["x.npz", "x.NPZ", "-"])
def test_names_that_promise_what_is_not_done(run, name):
    np.save("in.npy", np.zeros(3))
    message = "standard output" if name == "-" else "a .npy file holds one array"
    assert message in fails(run, "in.npy", name, "--to", "f", code=2)
    assert message in fails(run, name, "out.npy", "--to", "f", code=2)
    exit_code, _, err = run("info", name)
    assert exit_code == 2 and message in err


def test_a_folder_is_named_once(run):
    np.save("in.npy", np.zeros(3))
    Path("dir.npy").mkdir()
    for arguments in (["in.npy", "dir.npy"], ["dir.npy", "out.npy"]):
        exit_code, _, err = run("convert", *arguments, "--to", "f")
        assert exit_code == 1 and err.count("dir.npy") == 1 and "is no regular file" in err


def test_what_a_safetensors_file_cannot_name(run):
    np.save("in.npy", np.zeros(2, "M8[s]"))
    assert "no name" in fails(run, "in.npy", "out.safetensors", "--to", "[numpy$datetime64$s]")
    np.save("in.npy", np.zeros(2))
    assert "no name" in fails(run, "in.npy", "out.safetensors", "--to", ">f")


def test_no_conversion(run):
    np.save("in.npy", np.zeros(2, "S3"))
    fails(run, "in.npy", "out.npy", "--to", "f")
    fails(run, "in.npy", "out.raw", "--to", "T{i:a:}")


def test_datetimes_in_other_units_and_from_texts(run):
    days = np.array(["2024-02-29", "NaT"], "M8[D]")
    np.save("in.npy", days)
    convert(run, "in.npy", "out.npy", "--to", "[numpy$datetime64$ns]")
    assert (np.load("out.npy")[:1] == days[:1]).all()
    np.save("in.npy", np.array(["2024-02-29", "2024-02-30"], "S10"))
    err = fails(run, "in.npy", "out.npy", "--to", "[numpy$datetime64$D]")
    assert "'2024-02-30' is no time, at character 8: the month has no such day" in err
    assert "in.npy: element 1:" in err
    np.save("in.npy", np.array(["2024-02-29", "9999-01-01"], "M8[s]"))
    fails(run, "in.npy", "out.npy", "--to", "[numpy$datetime64$ns]")
    convert(run, "in.npy", "out.npy", "--to", "[numpy$datetime64$ns]", "--overflow", "nat")
    assert np.isnat(np.load("out.npy")).tolist() == [False, True]


# Raw bytes


def test_raw_in_and_out(run):
    array = np.arange(12, dtype=">u2").reshape(3, 4)
    array.tofile("in.bin")
    out = convert(run, "in.bin", "out.npy", "--format", ">H", "--shape", "3,4", "--to", "f")
    assert "3x4" in out
    assert np.load("out.npy").tolist() == array.tolist()
    convert(run, "out.npy", "out", "--to", ">H")
    assert Path("out").read_bytes() == array.tobytes()
    convert(run, "in.bin", "flat.npy", "--format", ">H", "--to", "q", "--quiet")
    assert np.load("flat.npy").tolist() == list(range(12))
    convert(run, "in.bin", "sub.npy", "--format", "(4)>H", "--to", "(4)>H")
    assert np.load("sub.npy").tolist() == array.tolist()
    Path("one.bin").write_bytes(b"\1\0\0\0")
    convert(run, "one.bin", "one.npy", "--format", "<i", "--shape", "", "--to", "d")
    assert np.load("one.npy").shape == () and np.load("one.npy") == 1


def test_raw_bytes_are_in_c_order(run):
    array = np.arange(24, dtype="i2").reshape(2, 3, 4)
    np.save("in.npy", np.asfortranarray(array))
    convert(run, "in.npy", "out.raw", "--to", "i")
    assert np.fromfile("out.raw", "i4").tolist() == list(range(24))
    convert(run, "in.npy", "out.safetensors", "--to", "h")
    assert (load_file("out.safetensors")["in"] == array).all()
    # The same, of structs.
    structs = np.zeros((2, 3), "i4,S3")
    structs["f0"] = np.arange(6).reshape(2, 3)
    np.save("in.npy", np.asfortranarray(structs))
    convert(run, "in.npy", "out.raw", "--to", sc.Format.of(structs.dtype).text)
    assert np.fromfile("out.raw", structs.dtype)["f0"].tolist() == list(range(6))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--to", "f"], 2, "--format"),
        (["--format", "<i", "--to", "f", "--shape", "4"], 1, "file size: 4 items of 4 bytes"),
        (["--format", "<i", "--to", "f", "--shape", "2"], 1, "make 8, but the file has 12"),
        (["--format", "q", "--to", "f"], 1, "no whole items of 8"),
        (["--format", "<i", "--to", "f", "--shape", "-3"], 2, "sizes must be 0 or more"),
        (["--format", "<i", "--to", "f", "--shape", "a"], 2, "--shape"),
        (["--format", "0s", "--to", "0s"], 2, "0 bytes"),
        (["--format", "T{", "--to", "f"], 2, "T{"),
        (["--format", "float32", "--to", "f"], 2, "float32"),
        (["--format", "<i", "--to", "float32"], 2, "float32"),
        (["--format", "<i", "--to", "f", "--only", "x"], 2, "--only"),
        (["--format", "<i", "--to", "f", "--shape", "99999999999,99999999999"], 1, "file size"),
    ],
)
def test_wrong_words_about_raw_bytes(run, arguments, code, message):
    Path("in.bin").write_bytes(bytes(12))
    assert message in fails(run, "in.bin", "out.bin", *arguments, code=code)


def test_format_and_shape_are_for_raw_bytes(run):
    np.save("in.npy", np.zeros(3))
    for more in (["--format", "f"], ["--shape", "3"]):
        assert "raw bytes only" in fails(run, "in.npy", "o.npy", "--to", "f", *more, code=2)


# One tensor


def test_one_tensor_of_a_file(run):
    tensors = {"w": np.arange(6, dtype="f4").reshape(2, 3), "b": np.arange(3, dtype="i8")}
    save_file(tensors, "in.safetensors")
    err = fails(run, "in.safetensors", "out.npy", "--to", "d")
    assert "2 of its 2 tensors" in err and "--only" in err
    fails(run, "in.safetensors", "out.npy", "--to", "d", "--only", "none")
    convert(run, "in.safetensors", "out.npy", "--to", "d", "--only", "w")
    assert (np.load("out.npy") == tensors["w"]).all()
    convert(run, "in.safetensors", "out.raw", "--to", ">i", "--only", "b")
    assert np.fromfile("out.raw", ">i4").tolist() == [0, 1, 2]


def test_every_type_of_tensor_has_its_format(run):
    from stridecast._convert_array import TENSOR_FORMATS

    for dtype, text in TENSOR_FORMATS.items():
        array = np.ones(4, sc.Buffer(bytes(sc.Format(text).itemsize)).view(text).numpy().dtype)
        array.tofile("in.raw")
        convert(run, "in.raw", "out.safetensors", "--format", text, "--to", text)
        assert f": {text} ({dtype}) 4, " in run("info", "out.safetensors")[1]
        convert(run, "out.safetensors", "back.raw", "--to", text)
        assert Path("back.raw").read_bytes() == array.tobytes()


# Files that are not what they seem


def npy(text, data=bytes(24), version=1, length=None, magic=b"\x93NUMPY"):
    text = text.encode() if isinstance(text, str) else text
    size = 2 if version == 1 else 4
    count = (len(text) if length is None else length).to_bytes(size, "little")
    return magic + bytes([version, 0]) + count + text + data


GOOD = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must begin"),
        (b"\x93NUMPY", "must begin"),
        (b"\x93NUMPY\1\0", "must begin"),
        (npy(GOOD, magic=b"\x93NUMPX"), "must begin"),
        (npy(GOOD, version=4), "version 4.0"),
        (npy(GOOD, b"", length=57), "header length: 57 bytes, but only"),
        (npy(GOOD, version=2, length=2**32 - 1), "header length"),
        (npy(b" " * 70000 + GOOD.encode(), version=2), "at most 65536"),
        (npy(GOOD, bytes(23)), "make 24, but the file has 23"),
        (npy(GOOD, bytes(25)), "make 24, but the file has 25"),
        (npy("[1]"), "a dict"),
        (npy("{'descr': '<f8'}"), "a dict with the keys"),
        (npy(GOOD[:-2] + ", 'x': 1}"), "a dict with the keys"),
        (npy(GOOD.replace("(3,)", "[3]")), "shape must be"),
        (npy(GOOD.replace("(3,)", "(-3,)")), "shape must be"),
        (npy(GOOD.replace("(3,)", "(0x8000000000000000,)")), "2^63 or more"),
        (npy(GOOD.replace("(3,)", "(0x" + "f" * 6000 + ",)")), "2^63 or more"),
        (npy("{[]: 1}"), "no literal that can be read"),
        (npy(GOOD.replace("(3,)", "(True,)")), "shape must be"),
        (npy(GOOD.replace("(3,)", "(3.0,)")), "shape must be"),
        (npy(GOOD.replace("(3,)", "(2**62, 2**62)")), "no literal"),
        (npy(GOOD.replace("(3,)", str((2**62, 2**62)))), "file size"),
        (npy(GOOD.replace("False", "0")), "fortran_order must be"),
        (npy(GOOD.replace("'<f8'", "'<f9'")), "descr '<f9'"),
        (npy(GOOD.replace("'<f8'", "'|O'")), "pickled Python objects"),
        (npy(GOOD.replace("'<f8'", "[('a', '|O')]")), "pickled Python objects"),
        (npy(GOOD.replace("'<f8'", "[('a', '<f8'), ('a', '<f8')]")), "descr"),
        (npy(GOOD.replace("'<f8'", "[1]")), "descr"),
        (npy(GOOD.replace("'<f8'", "'|S0'")), "0 bytes"),
        (npy(GOOD.replace("'<f8'", "__import__('os')")), "no literal"),
        (npy("(" * 9000), "no literal"),
        (npy("-" * 9000 + "1"), "no literal"),
        (npy("[" * 90 + "]" * 90), "a dict"),
        (npy(b"\xff\xfe", version=3), "no literal"),
    ],
)
def test_bad_npy_files(run, content, message):
    Path("in.npy").write_bytes(content)
    err = fails(run, "in.npy", "out.npy", "--to", "f")
    assert "in.npy: " in err and message in err
    exit_code, out, err = run("info", "in.npy")
    assert (exit_code, out) == (1, "") and message in err


def test_the_target_is_whole_or_not_there(run, monkeypatch):
    np.save("in.npy", np.ones(5000))
    Path("out.npy").write_bytes(b"as it was")
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda *_: 0)
        assert "out.npy: " in fails(run, "in.npy", "out.npy", "--to", "f")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            convert_file("in.npy", "out.npy", "f")
    assert sorted(os.listdir()) == ["in.npy", "out.npy"]
    assert Path("out.npy").read_bytes() == b"as it was"
    assert "is the input itself" in fails(run, "in.npy", "in.npy", "--to", "f")
    convert(run, "in.npy", "in.npy", "--to", "f", "--force")
    assert np.load("in.npy").dtype == "f4"


def test_a_source_that_shrinks(tmp_path, monkeypatch):
    source = tmp_path / "in.npy"
    for array, target in ((np.ones(5000), "out.npy"), (np.ones((50, 99), order="F"), "out.raw")):
        np.save(source, array)
        with pytest.raises(FileConversionError, match=r"in\.npy: the file ended at byte 1000"):
            convert_file(
                source, tmp_path / target, "f", start=lambda _: os.truncate(source, 1000) or print
            )
    assert os.listdir(tmp_path) == ["in.npy"]


def test_without_numpy(run, monkeypatch):
    np.save("in.npy", np.zeros(3))
    monkeypatch.setitem(sys.modules, "numpy.lib.format", None)
    assert "NumPy" in fails(run, "in.npy", "out.npy", "--to", "f")


# info


def test_info_says_what_a_file_holds(run):
    np.save("a.npy", np.zeros((2, 3), ">f4", order="F"))
    assert run("info", "a.npy") == (0, "a: >f 2x3, Fortran order, 24 bytes from 128\n", "")
    np.save("b.npy", np.zeros((), "M8[us]"))
    assert "b: [numpy$datetime64$us] one item, 8 bytes from 128\n" in run("info", "b.npy")[1]
    save_file({"x\x1b[2J": np.zeros(3, "f4"), "y": np.zeros((2, 2), "i8")}, "c.safetensors")
    exit_code, out, _ = run("info", "c.safetensors")
    assert exit_code == 0 and "\x1b" not in out
    assert "x\\x1b[2J: <f (F32) 3, 12 bytes from " in out
    assert "y: <q (I64) 2x2, 32 bytes from " in out
    assert run("info", "none.npy")[0] == 1
    exit_code, _, err = run("info", "raw.bin")
    assert exit_code == 2 and "raw bytes do not say" in err
