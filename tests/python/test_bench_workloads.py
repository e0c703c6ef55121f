"""The check before a workload is timed, and who takes part in it; no test waits for a clock."""

import numpy as np
import pytest

from stridecast_bench import peers
from stridecast_bench.cases.workloads import ways
from stridecast_bench.measure import Work

WORK = Work(3, 12, 12)


def at_once(n):
    return n


def a_way(*values):
    return ways.Way(at_once, lambda: [np.array(values, np.float32)])


def a_case(ours, loosely=None, **makers):
    return ways.workload("workload/a", ours, makers, WORK, loosely=loosely)


def test_equal_results_are_timed():
    case = a_case(a_way(1, 2, 3), numpy=lambda: a_way(1, 2, 3))
    case.check()
    assert list(case.peers) == ["numpy"]


@pytest.mark.parametrize("values", [(1, 2, 4), (1, 2), (1, 2, np.nan)])
def test_another_result_is_refused(values):
    case = a_case(a_way(1, 2, 3), numpy=lambda: a_way(*values))
    with pytest.raises(AssertionError, match="by numpy"):
        case.check()


def test_another_type_is_refused():
    other = ways.Way(at_once, lambda: [np.array([1, 2, 3], np.float64)])
    case = a_case(a_way(1, 2, 3), numpy=lambda: other)
    with pytest.raises(AssertionError, match="float64"):
        case.check()


def test_a_tolerance_is_one_peers_own():
    near = a_way(1, 2, 3.0000005)
    tolerance = {"torch": ways.within(1e-6)}
    a_case(a_way(1, 2, 3), tolerance, torch=lambda: near).check()
    with pytest.raises(AssertionError):
        a_case(a_way(1, 2, 3), tolerance, numpy=lambda: near).check()
    with pytest.raises(AssertionError):
        a_case(a_way(1, 2, 3), tolerance, torch=lambda: a_way(1, 2, 3.1)).check()


def test_who_is_missing_is_left_out():
    case = a_case(a_way(1), numpy=lambda: a_way(1), torch=lambda: None)
    assert list(case.peers) == ["numpy"]


def test_who_is_not_asked_for_is_not_made():
    def never():
        raise RuntimeError("was made")

    peers.select(["numpy"])
    try:
        case = a_case(a_way(1), numpy=lambda: a_way(1), torch=never)
    finally:
        peers.select(peers.GROUPS)
    assert list(case.peers) == ["numpy"]


def test_what_is_left_from_before_is_no_result():
    out = np.array([1, 2, 3], np.float32)
    lazy = ways.fills(at_once, out)
    case = a_case(a_way(1, 2, 3), numpy=lambda: lazy)
    with pytest.raises(AssertionError):
        case.check()


def test_missing_data_is_named():
    ways.absent.clear()
    assert ways.carried("stridecast", "no", "such.file") is None
    assert "no/such.file" in ways.absent.pop("stridecast's data")
    assert ways.carried("stridecast", "__init__.py").is_file()
