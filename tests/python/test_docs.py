"""What the documents say: README's examples run, and the tests that the policy names exist."""

import doctest
import io
import re
import runpy
from contextlib import redirect_stdout
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import stridecast

ROOT = Path(__file__).resolve().parents[2]


def blocks(language):
    text = (ROOT / "README.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_python_lines_of_the_readme_print_what_they_say():
    (code,) = blocks("python")
    said = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert len(said) == 12
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue().splitlines() == said


def test_the_examples_of_the_format_reference_print_what_they_say():
    failed, tried = doctest.testfile(str(ROOT / "docs/format.md"), module_relative=False)
    assert tried > 80
    assert failed == 0


@pytest.mark.skipif(
    stridecast.active_target() != "AVX3_DL",
    reason="the table is of AVX3_DL; other targets take another pass here and there",
)
def test_the_table_of_passes_is_what_plans_say():
    names = runpy.run_path(str(ROOT / "scripts/passes_table.py"))
    assert (ROOT / "docs/passes.md").read_text(encoding="ascii") == names["table"]()


def test_the_cxx_lines_of_the_readme_are_those_that_the_consumer_builds():
    (code,) = blocks("cpp")
    assert code == (ROOT / "tests/consumer/main.cc").read_text()


def test_the_commands_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    commands = re.findall(r"^make (\S+)", "".join(blocks("sh")), re.MULTILINE)
    assert commands == ["demo", "test"]
    assert all(re.search(rf"^{command}:", makefile, re.MULTILINE) for command in commands)


def test_the_tests_that_the_numeric_policy_names_exist():
    policy = (ROOT / "docs/numeric_policy.md").read_text()
    names = re.findall(r"(?<!\*)\*([A-Z]\w+)\*(?!\*)", policy)
    tests = (ROOT / "tests/numeric_policy_test.cc").read_text()
    assert len(names) > 15
    assert [name for name in names if f"NumericPolicyTest, {name})" not in tests] == []
    cxx = "".join(path.read_text() for path in ROOT.glob("tests/*_test.cc"))
    named = re.findall(r"`([A-Z]\w+Test)(?:\.(\w+))?`", policy)
    assert len(named) > 20
    found = [re.search(rf"\({suite}, {test or '[A-Z]'}", cxx) for suite, test in named]
    assert [pair for pair, there in zip(named, found, strict=True) if not there] == []
    python = "".join(path.read_text() for path in ROOT.glob("tests/python/test_*.py"))
    functions = re.findall(r"`(test_\w+)`", policy)
    assert len(functions) > 5
    assert [name for name in functions if f"def {name}(" not in python] == []
    defined = re.findall(r"TEST_P\(NumericPolicyTest, (\w+)\)", tests)
    assert sorted(set(defined) - set(names)) == [], "tests that no clause names"


def test_links_between_documents_lead_somewhere():
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for link in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
            if not link.startswith(("http://", "https://")):
                assert (path.parent / link).exists(), f"{path.name}: {link}"


def numpy_and_us(values, source, target):
    array = np.array(values).astype(source)
    with np.errstate(all="ignore"):
        theirs = array.astype(target)
    return theirs, stridecast.astype(array, target)


@pytest.mark.parametrize(
    ("value", "source", "ours_bits", "theirs_bits"),
    [
        (1 + 2**-8 + 2**-40, np.float64, 0x3F81, 0x3F80),
        (2**40 + 2**32 + 1, np.int64, 0x5381, 0x5380),
    ],
)
def test_ml_dtypes_rounds_twice_where_the_policy_says_so(value, source, ours_bits, theirs_bits):
    theirs, ours = numpy_and_us([value], source, ml_dtypes.bfloat16)
    assert ours.view(np.uint16)[0] == ours_bits
    assert theirs.view(np.uint16)[0] == theirs_bits
