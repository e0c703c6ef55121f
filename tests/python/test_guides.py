"""Every example of the guides runs and prints what the page shows; C++ is tests/guides_test.py."""

import os
import re
import shutil
import struct
import sys
from pathlib import Path

import guide_pages
import ml_dtypes
import numpy as np
import pytest

import stridecast as sc

ROOT = Path(__file__).resolve().parents[2]
PAGES = [page for page in guide_pages.PAGES if not guide_pages.is_cxx(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_prints_what_it_shows(page, tmp_path):
    text = page.read_text()
    for module in re.findall(r"^>>> import (\w+)", text, re.MULTILINE):
        pytest.importorskip(module)
    if "$ cc " in text and shutil.which("cc") is None:
        pytest.skip("no C compiler")
    scripts = Path(sys.executable).parent
    if "$ stridecast" in text and not (scripts / "stridecast").exists():
        pytest.skip("the package is not installed, so that there is no command")
    environment = {
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "CPATH": str(ROOT / "include"),  # where kernel_abi.h would be installed
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
    failures, tried = guide_pages.run_page(page, tmp_path, environment)
    assert tried > 3
    assert failures == [], "\n".join(failures)


def test_every_page_is_in_the_index():
    listed = re.findall(r"^guides/(\w+)$", (ROOT / "docs/index.md").read_text(), re.MULTILINE)
    assert sorted(listed) == [page.stem for page in guide_pages.PAGES]


def replacements():
    """(what is replaced, what replaces it) of the table of the page about migrating."""
    for row in (ROOT / "docs/guides/migrating.md").read_text().splitlines():
        if row.startswith("| `"):
            theirs, ours = row.strip("| ").split(" | ")
            for expression in re.findall(r"`(sc\.[^`]+)`", ours):
                yield re.fullmatch(r"`([^`]+)`", theirs)[1], expression


def names():
    """What the table calls its operands, anew for each expression."""
    return {
        "np": np,
        "sc": sc,
        "ml_dtypes": ml_dtypes,
        "struct": struct,
        "a": np.array([[1.5, -2.5, 0.0], [300.0, 7.25, 19.5]]),
        "out": np.full((2, 3), 9, "f4"),
        "mask": np.array([[True, False, True], [False, True, False]]),
        "s": np.array([(1, 2.5), (3, 4.5)], [("id", "i2"), ("x", "f8")]),
        "x": np.array([1, 2, 70000]),
        "y": np.array([0.5, 1.5, 2.5], "f4"),
        "raw": np.array([0, 150, -9999], "i2"),
        "t": np.array(["2024-02-29T12:30", "1969-12-31T23:59:59"], "M8[s]"),
        "texts": np.array(["2024-02-29T12:30", "NaT"]),
        "data": bytes(range(6)),
    }


def plain(result):
    """Arrays as lists, structs as tuples."""
    if isinstance(result, dict):
        return {name: plain(value) for name, value in result.items()}
    if isinstance(result, (np.ndarray, np.generic, sc.Buffer)):
        return np.asarray(result.numpy() if isinstance(result, sc.Buffer) else result).tolist()
    return list(result) if isinstance(result, tuple) else result


@pytest.mark.parametrize(("theirs", "ours"), [*replacements()])
def test_what_replaces_numpy_gives_the_same(theirs, ours):
    operands, ours_operands = names(), names()
    expected, got = eval(theirs, operands), eval(ours, ours_operands)
    writes = expected is None
    if writes:
        expected, got = operands["out"], ours_operands["out"]
    np.testing.assert_equal(plain(got), plain(expected))


def test_the_table_is_read():
    assert len([*replacements()]) > 20
