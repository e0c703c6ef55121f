"""The benchmark's cases, without its speeds: names, peers, bytes, and tiny cases end to end.

With NumPy alone: other peers and libstridecast_bench are optional, and asked for nowhere here.
"""

import re
from collections import Counter
from fnmatch import fnmatchcase
from functools import cache

import numpy as np
import pytest

import stridecast
from stridecast_bench import levels, measure, peers, selection
from stridecast_bench.cases import by_level, cast, reduce, relayout, scale, strided
from stridecast_bench.peers import libraries

NAME = re.compile(r"[a-z0-9-]+(/[A-Za-z0-9_.+>-]+)+")


@pytest.fixture(autouse=True)
def numpy_alone():
    peers.select(["numpy"])
    yield
    peers.select(["*"])
    libraries.use_threads(1)


@cache
def all_names(threads: int) -> list[str]:
    names = []
    for head, cases in selection.groups_for(threads).items():
        of_group = [case.name for case in cases(None)]
        assert all(name.startswith(f"{head}/") for name in of_group), head
        names += of_group
    return names


@pytest.mark.parametrize("threads", [1, 2])
def test_names_are_paths_and_come_once(threads):
    names = all_names(threads)
    assert [name for name, times in Counter(names).items() if times > 1] == []
    assert [name for name in names if not NAME.fullmatch(name)] == []


def test_every_level_has_the_families():
    names = all_names(1)
    for family in by_level.GROUPS:
        for level in levels.NAMES:
            assert any(fnmatchcase(name, f"{family}/{level}/*") for name in names), (family, level)


def test_peers_cover_what_the_makers_name():
    for table in (cast.CASTS, relayout.COPIES, reduce.REDUCTIONS):
        assert table.keys() <= peers.PEERS.keys()
    assert set(libraries.THREADED) <= peers.PEERS.keys()
    assert set(peers.PEERS.values()) == set(peers.GROUPS)


def test_who_is_not_selected_is_not_looked_for():
    finders = [getattr(libraries, name) for name in dir(libraries) if name.startswith("find_")]
    assert len(finders) >= 8
    peers.select(["numkong"])
    looked_for = libraries.absent.keys() | libraries.versions.keys()
    assert {find.__name__ for find in finders if find() is not None} <= {"find_numkong"}
    assert libraries.absent.keys() | libraries.versions.keys() <= looked_for | {"numkong"}
    with pytest.raises(ValueError, match="no group of peers is called 'numpi'"):
        peers.select(["numpi"])


def test_a_case_without_its_peers_is_left_to_the_first_group():
    one = measure.Work(1, 0, 0)
    case = measure.Case("x/y", abs, {"numpy": abs, "torch": abs, "c++": abs}, work=one)
    assert selection.with_selected_peers(case).peers.keys() == {"numpy", "c++"}
    peers.select(["tor*"])
    assert selection.with_selected_peers(case).peers.keys() == {"torch"}
    peers.select(["numba"])
    assert selection.with_selected_peers(case) is None


TINY = {
    "cast": (cast.beside_peers, np.dtype("f4"), "bfloat16", 300, None),
    "swapped": (cast.beside_peers, np.dtype(">i2"), "float32", 300, None),
    "transpose": (relayout.square, 24, np.dtype("u2"), None),
    "decode": (scale.decode, 300, np.dtype("i2")),
    "encode": (scale.encode, 300),
    "sum": (reduce.beside_peers, "sum", "float32", reduce.FLAT, 300, None),
    "argmax": (reduce.beside_peers, "argmax", "int8", reduce.FLAT, 300, None),
}
#: Groups that are made without much memory or time; of each the first case.
FIRST_OF = ("small", "export", "contiguous", "time-units", "time-fields", "reduce-small", "matrix")


def measured(planned: measure.Case | measure.Planned) -> measure.Case:
    """The case, timed as briefly as can be."""
    case = selection.with_selected_peers(planned.make())
    case.seconds, case.rounds = 0.0, 1
    times = measure.measure(case, batch_ns=1)["ns"]
    assert times.keys() == {"ours", *case.peers}
    assert min(times.values()) > 0
    assert case.peers.keys() <= peers.PEERS.keys()
    return case


@pytest.mark.parametrize("label", TINY)
def test_tiny_cases_are_checked_and_timed(label):
    maker, *arguments = TINY[label]
    case = measured(measure.Planned(label, maker, *arguments))
    assert "numpy" in case.peers
    assert case.work.read > 0


@pytest.mark.parametrize("group", FIRST_OF)
def test_first_of_a_group(group):
    case = measured(next(iter(selection.groups_for(1)[group](None))))
    assert case.work is not None
    assert case.work.threads == 1


def test_small_cases():
    for case in selection.groups_for(1)["small"](None):
        assert case.work.items in (1, 8, 64, 512)
        measured(case)


def test_level_cases_of_l1():
    """What by_level.py makes itself, and what it makes of others."""
    for head in ("struct", "scale", "time", "text", "byteswap", "relayout"):
        for planned in selection.groups_for(1)[head](None):
            if "/L1/" in planned.name:
                case = measured(planned)
                assert case.work.level == "L1", planned.name
                moved = case.work.read + case.work.written
                assert 0 < moved <= 2 * levels.levels()["L1"].bytes, planned.name


def test_cases_of_threads_run_on_threads():
    """With the sizes of L1: what they are made of, not what they gain."""
    for case in (
        strided.byteswap("threads/byteswap/4", 4, 300, None, "memory", 2),
        scale.decode("threads/scale", 300, np.dtype("i2"), "memory", 2),
    ):
        assert case.work.threads == 2
        assert case.peers.keys() <= {"torch", "numexpr", "numba"}
        case.ours(1)
        case.check()


def test_a_wrong_result_is_no_time():
    src, dst = np.arange(8, dtype="f4"), np.zeros(8, "f4")
    fills = {"numpy": lambda n: 1}  # which leaves what was there
    case = relayout.relayout("relayout/wrong", src, dst, beside=(), fills=fills)
    with pytest.raises(AssertionError, match="by numpy: item"):
        measure.measure(case)


def test_work_counts_lines():
    src = np.zeros((4, 256), np.float32)
    packed = measure.Work.between(src, src.astype("f8"))
    assert (packed.items, packed.read, packed.written) == (1024, 4096, 8192)
    assert (packed.source, packed.destination) == ("float32", "float64")
    assert measure.Work.between(src[:, ::2], src[:, ::2]).read == 4 * 128 * 8
    assert measure.Work.between(src[:, ::64], src[:, ::64]).read == 4 * 4 * 64
    total = measure.Work.reducing(src, np.asarray(stridecast.reduce(src, "sum").numpy()), "L1", 2)
    assert (total.items, total.read, total.written, total.threads) == (1024, 4096, 4, 2)
