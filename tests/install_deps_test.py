"""Checks how scripts/install-deps.sh reads and writes apt's sources, in a made-up /etc.

It installs nothing. That the script does nothing where nothing is missing is checked for real.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "install-deps.sh"

DEB822 = """\
Types: deb
# comments and other stanzas are skipped
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/security.gpg

Types: deb
Enabled: no
URIs: http://disabled.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.example/debian http://second.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://mirror.example/debian/ bookworm main
"""
NO_KEY = "deb http://mirror.example/debian bookworm contrib main\n"


def run(root: Path, command: str) -> str:
    result = subprocess.run(
        ["bash", "-c", f'source "{SCRIPT}" --functions-only; {command}'],
        env={**os.environ, "STRIDECAST_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout + result.stderr


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("sources.list.d", "preferences.d"):
        (tmp_path / "etc/apt" / folder).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("place", "text", "uri", "key"),
    [
        (
            "sources.list.d/debian.sources",
            DEB822,
            "http://mirror.example/debian",
            "/usr/share/keyrings/debian-archive-keyring.gpg",
        ),
        ("sources.list", ONE_LINE, "http://mirror.example/debian/", "/usr/share/keyrings/k.gpg"),
        ("sources.list.d/x.list", NO_KEY, "http://mirror.example/debian", None),
    ],
)
def test_trixie_comes_from_the_mirror_in_use(root, place, text, uri, key):
    (root / "etc/apt" / place).write_text(text)
    assert run(root, "add_trixie_source") == ""
    written = (root / "etc/apt/sources.list.d/stridecast-trixie.sources").read_text()
    expected = f"Types: deb\nURIs: {uri}\nSuites: trixie\nComponents: main\n"
    assert written == expected + (f"Signed-By: {key}\n" if key else "")
    pin = (root / "etc/apt/preferences.d/stridecast-trixie").read_text()
    assert pin == "Package: *\nPin: release n=trixie\nPin-Priority: 100\n"


def test_sources_that_exist_are_left_alone(root):
    sources = root / "etc/apt/sources.list.d/stridecast-trixie.sources"
    sources.write_text("as it was\n")
    assert run(root, "add_trixie_source") == ""
    assert sources.read_text() == "as it was\n"


def test_without_a_bookworm_source_it_says_so(root):
    (root / "etc/apt/sources.list").write_text("deb http://mirror.example/debian trixie main\n")
    assert "found no apt source for bookworm" in run(root, "add_trixie_source")
    assert not (root / "etc/apt/sources.list.d/stridecast-trixie.sources").exists()


def test_a_python_that_does_not_run_is_passed_over(root, tmp_path):
    shims = tmp_path / "shims"
    shims.mkdir()
    for name in ("python3.13", "python3.12"):
        (shims / name).write_text("#!/bin/sh\nexit 127\n")
        (shims / name).chmod(0o755)
    (shims / "python3.11").symlink_to(shutil.which("true"))  # "runs" whatever it is asked
    assert run(root, f'PATH="{shims}:$PATH"; find_python') == "python3.11"


def test_a_named_python_that_does_not_run_is_an_error(root):
    assert "PYTHON=/nonexistent does not run" in run(root, "PYTHON=/nonexistent find_python")


def test_library_packages_are_missing_only_if_the_library_is(root):
    assert "libgtest-dev" in run(root, "has_library() { false; }; missing_packages")
    assert "libgtest-dev" not in run(root, "has_library() { true; }; missing_packages")
