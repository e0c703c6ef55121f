"""The examples build, run and print what their READMEs say."""

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import stridecast as sc

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

has_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


def run(script, *arguments, cwd):
    """What the command printed; nothing is written beside the sources."""
    done = subprocess.run(
        [sys.executable, script, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def said(readme):
    """The last block of a README: the output."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", readme.read_text(), re.MULTILINE | re.DOTALL)
    return [text for language, text in blocks if not language][-1]


@has_compiler
def test_cython_reads_bfloat16_and_datetimes(tmp_path):
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    folder = shutil.copytree(EXAMPLES / "cython_bfloat16", tmp_path / "example")
    run("setup.py", "--quiet", "build_ext", "--inplace", cwd=folder)
    assert run("demo.py", cwd=folder) == said(folder / "README.md")


@pytest.mark.parametrize(
    "kernels",
    [
        pytest.param("c", marks=has_compiler),
        pytest.param(
            "numba",
            marks=pytest.mark.skipif(
                importlib.util.find_spec("numba") is None, reason="numba is not installed"
            ),
        ),
        "python",
    ],
)
def test_a_user_type_converts_by_its_own_kernels(kernels, tmp_path):
    folder = EXAMPLES / "user_type"
    assert run(folder / "demo.py", kernels, cwd=tmp_path) == said(folder / "README.md")


@has_compiler
def test_the_kernels_in_c_and_in_python_agree(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES / "user_type")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    posit = importlib.import_module("posit")
    del sys.modules["posit"]
    for name, kernels in [("c", posit.kernels_from_c()), ("py", posit.kernels_from_python())]:
        sc.register("example", name, itemsize=2, decode={"d": kernels[0]}, encode={"d": kernels[1]})
    c, py = "[example$c$]", "[example$py$]"
    in_order = np.arange(-32768, 32768).astype("i2")
    values = sc.convert(sc.Buffer(in_order).view(c), "d").numpy()
    assert np.array_equal(values, sc.convert(sc.Buffer(in_order).view(py), "d"), equal_nan=True)
    assert (np.diff(values[1:]) > 0).all()  # posits sort as their bits do; the first is NaR
    # Every posit, the ties between neighbours, and anything else.
    random = np.random.default_rng(1).standard_normal(20000)
    ties = (values[2:] + values[1:-1]) / 2
    x = np.concatenate([values, ties, random * np.repeat(10.0 ** np.arange(-10, 10), 1000)])
    assert np.array_equal(sc.convert(x, c).view("H"), sc.convert(x, py).view("H"))
    assert np.array_equal(sc.convert(values, c).view("h"), in_order)
