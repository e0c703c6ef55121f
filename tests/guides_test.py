"""Runs the pages of docs/guides that have C++, with a build folder that is installed for it.

tests/guides_test.py BUILD_FOLDER
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "python"))
import guide_pages


def main(build):
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        environment = install(build, folder / "prefix")
        environment["PATH"] = f"{compiler_of(build, folder / 'bin')}:{os.environ['PATH']}"
        failures = []
        for page in filter(guide_pages.is_cxx, guide_pages.PAGES):
            (folder / page.stem).mkdir()
            wrong, tried = guide_pages.run_page(page, folder / page.stem, environment)
            print(f"{page.name}: {tried} commands, {len(wrong)} went wrong")
            failures += wrong or ([] if tried else [f"{page.name} has no command"])
        print("\n".join(failures))
        return bool(failures)


def install(build, prefix):
    """Installs the build; returns what tells compilers, CMake and the loader where it is."""
    subprocess.run(
        ["cmake", "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL
    )
    pkgconfig = next(prefix.rglob("stridecast.pc")).parent
    return {
        "PKG_CONFIG_PATH": str(pkgconfig),
        "LD_LIBRARY_PATH": str(pkgconfig.parent),
        "CMAKE_PREFIX_PATH": str(prefix),
        "CXX": "c++",
    }


def compiler_of(build, folder):
    """A folder with a c++ that is the build's compiler with its sanitizers."""
    cache = (build / "CMakeCache.txt").read_text()

    def cached(name):
        found = re.search(rf"^{name}:\w+=(.*)$", cache, re.MULTILINE)
        return found[1] if found else ""

    sanitize = cached("STRIDECAST_SANITIZE")
    flags = f"-fsanitize={sanitize}" if sanitize else ""
    folder.mkdir()
    wrapper = folder / "c++"
    wrapper.write_text(f'#!/bin/sh\nexec {cached("CMAKE_CXX_COMPILER")} {flags} "$@"\n')
    wrapper.chmod(0o755)
    return folder


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
