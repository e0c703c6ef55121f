"""plan() and the process-wide choices."""

import os
import subprocess
import sys

import numpy as np
import pytest

import stridecast as sc


def test_formats_and_shape():
    plan = sc.plan("f", "E", (480, 640), overflow="raise")
    assert plan.size == 480 * 640
    assert plan.bytes_moved == 480 * 640 * 6
    assert plan.target == sc.active_target()
    text = str(plan)
    assert "480" in text or "307200" in text
    assert text == str(sc.plan("f", "E", [480, 640], overflow="raise"))
    assert str(plan.size) in repr(plan)


def test_strides():
    dense = sc.plan("f", "d", (3, 4))
    assert str(dense) == str(sc.plan("f", "d", (3, 4), (16, 4), (32, 8)))
    assert str(dense) != str(sc.plan("f", "d", (3, 4), (4, 12)))
    assert sc.plan("f", "d", 5, -4).size == 5
    with pytest.raises(ValueError, match="src_strides"):
        sc.plan("f", "d", (3, 4), (4,))


def test_buffers():
    x, y = np.zeros((3, 4), "f4").T, np.zeros((4, 3))
    assert str(sc.plan(x, y)) == str(sc.plan("f", "d", x.shape, x.strides, y.strides))
    with pytest.raises(ValueError):
        sc.plan(x, np.zeros(5))
    with pytest.raises(ValueError, match="strides"):
        sc.plan(x, y, None, (4, 4))


@pytest.mark.parametrize("shape", [(2**62, 2**62), (-1,), (1,) * 65, 2**70])
def test_absurd_shapes(shape):
    with pytest.raises(ValueError):
        sc.plan("f", "d", shape)


def test_bad_arguments():
    with pytest.raises(TypeError):
        sc.plan("f", "d", (2.5,))
    with pytest.raises(TypeError):
        sc.plan("f", "5s", 3)
    with pytest.raises(TypeError):
        sc.plan("f", "d")
    with pytest.raises(ValueError, match="overflow"):
        sc.plan("f", "d", 3, overflow="clip")


def test_targets():
    assert sc.targets() and sc.active_target() in sc.targets()
    for name in sc.targets():
        sc.set_target(name)
        assert sc.plan("f", "d", 3).target == name
    with pytest.raises(ValueError, match=sc.targets()[-1]):
        sc.set_target("AVX9")
    sc.set_target(None)


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.strip()


def test_environment():
    name = sc.targets()[-1]
    assert (
        run_python("import stridecast; print(stridecast.active_target())", STRIDECAST_TARGET=name)
        == name
    )
    code = "import stridecast; print(stridecast.get_threads())"
    assert run_python(code, STRIDECAST_NUM_THREADS="3") == "3"
    assert run_python(code, OMP_NUM_THREADS="2", STRIDECAST_NUM_THREADS="") == "2"


def test_threads():
    sc.set_threads(3)
    assert sc.get_threads() == 3
    for bad in (0, -1):
        with pytest.raises(ValueError, match="at least 1"):
            sc.set_threads(bad)
        with pytest.raises(ValueError, match="at least 1"):
            sc.convert(b"ab", "d", threads=bad)
    with pytest.raises(TypeError):
        sc.set_threads("2")


def test_fork_after_threads():
    code = """
import os, numpy as np, stridecast as sc, warnings
warnings.simplefilter("ignore")
x = np.ones((2000, 2000), "f4")
expected = bytes(sc.convert(x, "E", threads=2))
pid = os.fork()
if pid == 0:
    os._exit(0 if bytes(sc.convert(x, "E", threads=2)) == expected else 1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert run_python(code) == "0"


def test_version_and_build():
    assert sc.__version__ == sc.version()
    assert sc.build_info() and all(isinstance(line, str) for line in sc.build_info())


def test_plans_are_cached():
    sc.clear_plan_cache()
    x, out = np.zeros(8, "f4"), np.zeros(8)
    for _ in range(5):
        sc.convert(x, "d", out=out)
    stats = sc.plan_cache_stats()
    assert stats["misses"] == 1 and stats["hits"] == 4 and stats["size"] == 1 <= stats["capacity"]


def test_a_plan_has_the_options_of_numbers():
    assert "round float64 to integral" in str(sc.plan("d", "b", 4, rounding="nearest-even"))
    assert "check exact" in str(sc.plan("d", "b", 4, casting="same_value"))
    with pytest.raises(TypeError, match="not allowed under casting 'safe'"):
        sc.plan("d", "b", 4, casting="safe")
