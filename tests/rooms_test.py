"""Checks that the rooms keep apart: dtypes <- kernels <- engine <- python, and nothing else.

Reads the #include lines of every C++ file and compares them with the one table below. Runs under
pytest and as a program (scripts/lint.sh).
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)

# A room's own files may include the rooms to its left and these outside libraries; everything that
# has a slash and stands in no list is a mistake, and so is every library in LIBRARIES not listed.
ROOMS = {
    "include/stridecast": ["xsimd/"],
    "dtypes": ["dtypes/"],
    "kernels": ["dtypes/", "kernels/", "hwy/", "xsimd/", "immintrin.h"],
    "engine": ["dtypes/", "kernels/", "engine/", "hwy/targets.h", "hwy/base.h", "omp.h"],
    "python": ["python/", "nanobind/", "numpy/", "Python.h"],
}
LIBRARIES = ("hwy/", "xsimd/", "omp.h", "nanobind/", "numpy/", "Python.h", "immintrin.h")

# Libraries that one file alone may know.
SOLE_USERS = {
    "omp.h": {"engine/run.cc"},
    "numpy/": {"python/numpy_api.h", "python/numpy_view.cc"},
    "xsimd/": {
        "include/stridecast/xsimd-inl.h",
        "kernels/complex-inl.h",
        "kernels/complex_any.cc",
    },
}

# The kernels know elements and runs, never formats, layouts or plans.
KERNELS_PUBLIC = {"export.h", "kernel_abi.h", "time_field.h", "types.h", "value_types.h"}


def files(room):
    folder = ROOT / room
    return sorted(path for suffix in ("*.h", "*.cc") for path in folder.rglob(suffix))


def allowed(room, include):
    if include.startswith("stridecast/"):
        public = include.removeprefix("stridecast/")
        return room != "kernels" or public in KERNELS_PUBLIC
    if include.startswith(tuple(ROOMS[room])) if ROOMS[room] else False:
        return True
    is_standard = "/" not in include or include.startswith("sys/")
    return is_standard and not include.startswith(LIBRARIES)


def problems():
    for room in ROOMS:
        for path in files(room):
            name = path.relative_to(ROOT).as_posix()
            for match in INCLUDE.finditer(path.read_text()):
                include = match.group(1) or match.group(2)
                if not allowed(room, include):
                    yield f"{name}: {room} must not include {include}"
                for library, users in SOLE_USERS.items():
                    if include.startswith(library) and name not in users:
                        yield f"{name}: only {', '.join(sorted(users))} may include {include}"


def test_every_room_includes_only_what_stands_to_its_left():
    assert list(problems()) == []


def test_the_rooms_are_where_the_table_says():
    for room in ROOMS:
        assert files(room), f"no files in {room}: the check would pass whatever it held"


def test_a_wrong_include_is_found():
    assert not allowed("dtypes", "hwy/highway.h")
    assert not allowed("dtypes", "kernels/kernel_table.h")
    assert not allowed("kernels", "stridecast/plan.h")
    assert not allowed("kernels", "engine/loop_nest.h")
    assert not allowed("engine", "hwy/highway.h")
    assert not allowed("engine", "immintrin.h")
    assert not allowed("include/stridecast", "omp.h")
    assert not allowed("include/stridecast", "hwy/highway.h")
    assert not allowed("python", "engine/planner.h")
    assert allowed("engine", "vector")
    assert allowed("python", "stridecast/plan.h")


if __name__ == "__main__":
    found = list(problems())
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))
