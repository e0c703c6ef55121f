"""What a release says of itself in several places, and must say alike.

The wheel and the sdist are checked by scripts/check-wheel.sh.
"""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import stridecast

ROOT = Path(__file__).resolve().parents[2]


def version_of_the_header() -> str:
    text = (ROOT / "include/stridecast/version.h").read_text()
    numbers = dict(re.findall(r"^#define STRIDECAST_VERSION_([A-Z]+) (\d+)$", text, re.MULTILINE))
    return "{MAJOR}.{MINOR}.{PATCH}".format(**numbers)


def installed() -> metadata.Distribution:
    try:
        found = metadata.distribution("stridecast")
    except metadata.PackageNotFoundError:
        pytest.skip("the package runs from a build folder")
    if not Path(stridecast.__file__).is_relative_to(found.locate_file("")):
        pytest.skip("the package runs from a build folder, beside an installed one")
    return found


def test_the_package_has_the_version_of_the_header():
    assert stridecast.__version__ == stridecast.version() == version_of_the_header()


def test_the_metadata_have_the_version_of_the_header():
    assert installed().version == version_of_the_header()


def test_the_metadata_name_what_is_there():
    found = installed()
    (script,) = (entry for entry in found.entry_points if entry.name == "stridecast")
    assert callable(script.load())
    extras = {name.replace("-", "_") for name in found.metadata.get_all("Provides-Extra")}
    assert extras == {"numpy", "ml_dtypes", "bench", "test"}
    assert found.metadata["License-Expression"] == "BSD-3-Clause"
    assert found.metadata["Requires-Python"] == ">=3.11"


def test_nothing_else_states_the_version():
    version = re.escape(version_of_the_header())
    assert not re.search(rf"VERSION {version}", (ROOT / "CMakeLists.txt").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" not in project and project["dynamic"] == ["version"]


def test_the_changelog_has_the_sections_of_keep_a_changelog():
    text = (ROOT / "CHANGELOG.md").read_text()
    sections = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert sections[0] == "[Unreleased]"
    version = version_of_the_header()
    assert version in " ".join(sections) or f"The first release is to be {version}." in text
    kinds = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
