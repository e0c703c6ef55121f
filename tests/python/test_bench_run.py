"""`stridecast bench` itself: what it makes of times, whatever they are.

No test here waits for a clock. Batches give the nanoseconds that the test wants: a kernel that is
slower, a machine that is restless.
"""

import fnmatch
import json
import random
import shlex
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import stridecast
from stridecast_bench import (
    compare,
    limits,
    measure,
    peers,
    ratios,
    results,
    run,
    suites,
    terminal,
    worker,
)
from stridecast_bench.measure import Case, Planned, Work, bytes_touched, sample
from stridecast_bench.results import FASTER, NOISY, SLOWER, TIE, Cell, Speeds, Time


def steady(ns):
    """A batch whose calls take `ns` each."""
    return lambda n: round(n * ns)


def restless(ns, by, seed=0):
    """A batch whose calls take up to `by` times as long, now and then, never less than `ns`."""
    dice = random.Random(seed)
    return lambda n: round(n * ns * dice.uniform(1, by))


def compared(ours, **peers):
    return ratios.compare(sample(Case("a/b", ours, peers), seconds=0))


def a_run(cells, **parts):
    families = dict.fromkeys((cell.family for cell in cells), "A family")
    facts = {"machine": {"cpu": "a CPU"}, "versions": {}, "flags": {"target": "AVX2"}}
    return results.Run(
        "stridecast bench",
        "2026-01-01T00:00:00Z",
        families=families,
        cells=cells,
        **(facts | parts),
    )


def a_cell(ours, case="cast/float32/float64", **peers):
    """A cell as a worker and run.enter() make it."""
    found = run.Found()
    samples = sample(Case(case, ours, peers), seconds=0)
    run.enter({"case": case, "samples": samples}, "numpy", 1, found, ratios.THRESHOLD)
    return found.cells[case, 1]


def printed(of_run):
    text = StringIO()
    terminal.report(of_run, Console(file=text, width=160))
    return text.getvalue()


# Ratios


def test_a_ratio_is_the_peers_time_over_ours():
    found = compared(steady(100), numpy=steady(250))["numpy"]
    assert found.ratio == 2.5
    assert found.spread == (2.5, 2.5)
    assert found.verdict == FASTER
    assert found.ours == Time(100, 100)
    assert found.peer == Time(250, 250)


def test_a_slower_call_is_called_slower():
    assert compared(steady(100), numpy=steady(90))["numpy"].verdict == SLOWER


def test_what_lies_within_noise_is_a_tie():
    assert compared(steady(100), numpy=steady(101))["numpy"].verdict == TIE
    assert compared(steady(100), numpy=steady(99))["numpy"].verdict == TIE


def test_more_noise_makes_more_ties():
    samples = {"ours": [100.0] * 12, "itself": [106.0] * 12, "numpy": [105.0] * 12}
    assert ratios.noise_of(samples) == pytest.approx(0.06)
    assert ratios.compare(samples)["numpy"].verdict == TIE
    samples["numpy"] = [110.0] * 12
    assert ratios.compare(samples)["numpy"].verdict == FASTER


def test_noise_is_alike_on_both_sides():
    slow = {"ours": [100.0] * 8, "itself": [125.0] * 8}
    fast = {"ours": [125.0] * 8, "itself": [100.0] * 8}
    assert ratios.noise_of(slow) == ratios.noise_of(fast) == 0.25


def test_a_restless_machine_is_given_no_ratio():
    found = compared(restless(100, 3, 1), numpy=restless(200, 3, 2))["numpy"]
    assert found.noise > ratios.THRESHOLD
    assert found.verdict == NOISY


def test_noise_within_parts_counts_even_where_the_whole_looks_quiet():
    ours = [100.0, 100, 100, 150, 150, 150, 150, 150, 150, 150, 150, 150]
    samples = {"ours": ours, "itself": list(reversed(ours))}
    assert min(samples["ours"]) == min(samples["itself"])
    assert ratios.noise_of(samples) > ratios.THRESHOLD / 4


def test_noise_above_the_threshold_is_reported_and_its_ratio_is_not():
    text = printed(a_run([a_cell(restless(100, 3, 1), numpy=restless(777, 3, 2))]))
    assert "1 noisy" in text
    assert "7.7" not in text


def test_a_tie_is_no_ratio_either():
    comparison = compared(steady(100), numpy=steady(101))["numpy"]
    assert terminal.ratio_text(comparison) == "tie (within 2%)"


def test_faster_in_one_part_and_slower_in_another_is_a_tie():
    samples = {"ours": [100.0] * 12, "itself": [100.0] * 12, "numpy": [90.0] * 3 + [130.0] * 9}
    found = ratios.compare(samples)["numpy"]
    assert found.spread == (0.9, 1.3)
    assert found.verdict == TIE


def test_parts_are_cut_by_time_where_a_slow_peer_sits_rounds_out():
    slow = [1000.0, None, None, None, None, None, None, 3000.0]
    samples = {"ours": [100.0] * 8, "itself": [100.0] * 8, "numpy": slow}
    assert ratios.compare(samples)["numpy"].spread == (10, 30)


def test_a_slow_peer_sits_rounds_out():
    case = Case("a/b", steady(100), {"slow": steady(1e7)})
    taken = sample(case, seconds=0.001)["slow"]
    assert None in taken
    assert len(taken) == len(sample(case, seconds=0)["ours"]) or taken[0] == 1e7


def test_who_runs_behind_whom_changes():
    order = []

    def named(name):
        return lambda n: order.append(name) or 50_000 * n

    sample(Case("a/b", named("ours"), {"numpy": named("numpy")}), seconds=0)
    rounds = order[-36:]  # the last twelve of three
    assert len({tuple(rounds[i : i + 3]) for i in range(0, 36, 3)}) > 1


def test_a_peer_ten_thousand_times_as_fast_has_a_ratio():
    found = compared(steady(1_000_000), numpy=steady(40))["numpy"]
    assert found.ratio == 4e-5


def test_cells_of_equal_ratios_are_both_listed():
    cells = [a_cell(steady(100), case=f"cast/{name}", numpy=steady(90)) for name in "ab"]
    text = printed(a_run(cells))
    assert "cast/a" in text and "cast/b" in text


# Limits

SPEEDS = [
    Speeds("L2", 1, 1 << 18, read=100.0, write=50.0, copy=80.0, update=90.0),
    Speeds(
        "memory",
        1,
        1 << 28,
        read=10.0,
        write=5.0,
        copy=8.0,
        update=9.5,
        write_past_cache=9.0,
        copy_past_cache=12.0,
    ),
]


def test_the_limit_of_a_copy_is_the_measured_copy():
    found = limits.limit_of(Work(1000, 8000, 8000, level="memory"), SPEEDS)
    assert found.ns == pytest.approx(16000 / 12, abs=0.01)
    assert found.by == "past the cache"
    assert found.bus_bytes == 16000
    assert not found.estimate


def test_the_limit_of_a_read_is_the_measured_read():
    found = limits.limit_of(Work(1000, 8000, 8, level="memory"), SPEEDS)
    assert found.ns == pytest.approx(8008 / 10, rel=0.01)


def test_what_is_not_copied_is_read_or_written():
    assert limits.mixed_ns(4000, 1000, (10, 5, 8)) == pytest.approx(2000 / 8 + 3000 / 10)
    assert limits.mixed_ns(1000, 4000, (10, 5, 8)) == pytest.approx(2000 / 8 + 3000 / 5)


def test_stores_through_the_cache_fetch_their_lines():
    found = limits.limit_of(Work(1000, 8000, 8000, level="L2"), SPEEDS)
    assert found.bus_bytes == 8000 + 2 * 8000
    assert found.by == "through the cache"
    assert found.estimate, "no bus binds in L2"


def test_what_is_changed_where_it_is_fetches_no_other_lines():
    found = limits.limit_of(Work(1000, 8000, 8000, level="memory", in_place=True), SPEEDS)
    assert found.ns == pytest.approx(16000 / 9.5, abs=0.01)
    assert found.bus_bytes == 16000


def test_a_level_that_was_not_measured_has_no_limit():
    assert limits.limit_of(Work(1, 64, 64, level="L3"), SPEEDS) is None
    assert limits.limit_of(Work(1, 64, 64, level="L2", threads=2), SPEEDS) is None


def test_bytes_touched_are_whole_lines_where_items_lie_apart():
    packed = np.zeros((16, 64), np.float32)
    assert bytes_touched(packed) == packed.nbytes
    assert bytes_touched(packed.T) == packed.nbytes
    assert bytes_touched(packed[:, ::2]) == packed.nbytes
    assert bytes_touched(packed[:, 0]) == 16 * 64, "a line for each"
    assert bytes_touched(np.broadcast_to(np.float32(1), (9, 9))) == 4
    assert bytes_touched(np.zeros((0, 4))) == 0
    assert bytes_touched(np.zeros(10, "S128")) == 1280, "items may be longer than a line"


def test_a_cell_says_what_part_of_the_limit_it_reaches():
    cell = a_cell(steady(2000), numpy=steady(4000))
    run.describe(cell, Work(1000, 8000, 8000, "float32", "float64", level="memory"), SPEEDS)
    assert cell.fraction == pytest.approx(16000 / 12 / 2000, abs=0.001)
    assert (cell.source, cell.destination, cell.level) == ("float32", "float64", "memory")


# Workers


@pytest.fixture(autouse=True)
def lines_are_captured(monkeypatch):
    monkeypatch.setattr(worker, "output", None)  # print()'s own


@pytest.fixture(autouse=True)
def numpy_alone():
    peers.select(["numpy"])
    yield
    peers.select(["*"])


def said(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_wrong_fast_answer_fails_and_is_not_timed(capsys):
    def wrong():
        assert stridecast.convert(np.float32([1.5]), "i").tolist() == [2], "item 0 is 1"

    timed = []

    def ours(n):
        timed.append(n)
        return n

    planned = Planned("a/b", lambda name: Case(name, ours, {"numpy": steady(9)}, check=wrong))
    worker.time_one(planned, 0)
    cell = said(capsys)[-1]["cell"]
    assert "item 0 is 1" in cell["failed"]
    assert "samples" not in cell
    assert not timed


def test_only_peers_of_the_group_are_timed(capsys):
    case = Case("a/b", steady(1), {"numpy": steady(2), "torch": steady(3)})
    peers.select(["torch"])
    worker.time_one(case, 0)
    assert said(capsys)[-1]["cell"]["samples"].keys() == {"ours", "torch", "itself"}
    peers.select(["pyarrow"])
    worker.time_one(case, 0)
    assert [line.keys() for line in said(capsys)] == [{"at"}], "nobody of that group takes part"


def test_a_process_that_dies_leaves_a_line_and_the_cells_before(monkeypatch):
    def lines(command):
        yield {"at": {"case": "a/b"}}
        yield {"cell": {"case": "a/b", "samples": sample(Case("a/b", steady(1), {}), 0)}}
        yield {"at": {"case": "a/c"}}
        raise RuntimeError("the process ended with status -11")

    monkeypatch.setattr(run, "_lines", lines)
    found = run.run(run.Options(("a/*",), 0, groups=("numpy",), limits=False))
    assert [cell.case for cell in found.cells if cell.ours] == ["a/b"]
    assert "status -11" in next(cell for cell in found.cells if cell.case == "a/c").failed
    assert "a/c" in found.absent["numpy"]
    assert "FAILED a/c" in printed(found)


def test_ctrl_c_ends_a_run_with_what_was_found(monkeypatch):
    def lines(command):
        yield {"cell": {"case": "a/b", "samples": sample(Case("a/b", steady(1), {}), 0)}}
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_lines", lines)
    found = run.run(run.Options(("a/*",), 0, groups=("numpy", "numba"), limits=False))
    assert [cell.case for cell in found.cells] == ["a/b"]
    assert run.INTERRUPTED in found.absent


def test_groups_that_are_not_installed_start_no_process(monkeypatch):
    monkeypatch.setattr(run, "is_installed", lambda group: False)
    monkeypatch.setattr(run, "_lines", lambda command: pytest.fail("a process was started"))
    found = run.run(run.Options(("a/*",), 0, groups=("torch",), limits=False))
    assert found.absent == {"torch": "not installed"}


def test_a_process_that_says_something_else_is_named():
    with pytest.raises(RuntimeError, match="something else than results"):
        list(run._lines(["--help"]))


def test_peers_that_are_missing_are_left_out_with_a_line():
    text = printed(a_run([a_cell(steady(1), numpy=steady(2))], absent={"numba": "not installed"}))
    assert "left out: numba: not installed" in text


def test_a_peer_with_another_result_is_named():
    cell = replace(a_cell(steady(1), numpy=steady(2)), left_out={"pyarrow": "item 0 is 3"})
    assert "other results, not timed: pyarrow" in printed(a_run([cell]))


# Files


def test_json_is_read_back_as_it_was_written(tmp_path):
    cell = a_cell(steady(100), numpy=steady(250))
    run.describe(cell, Work(1000, 8000, 8000, "float32", "float64", level="L2"), SPEEDS)
    noise = ratios.summary([0.01, 0.02])
    whole = a_run([cell, Cell("a/c", "a", unable="no such type")], limits=SPEEDS, noise=noise)
    for name in ("results.json", "results.json.gz"):
        results.save(whole, tmp_path / name)
        assert results.load(tmp_path / name) == whole


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "schema None"),
        ('{"schema": 99}', "run `stridecast bench` again"),
        ("[", "not the JSON"),
        ('{"schema": 1}', "not the JSON"),
    ],
)
def test_other_files_are_refused(tmp_path, text, says):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=says):
        results.load(path)


# Comparing two runs


def changed(old, new, **peers):
    olds, news = (compare.ratios_of(a_run([a_cell(ours, **peers)])) for ours in (old, new))
    return compare.changes(olds, news)


def test_a_deliberately_slowed_kernel_is_caught():
    (change,) = changed(steady(100), steady(130), numpy=steady(200))
    assert change.factor == pytest.approx(1 / 1.3, abs=0.001)
    assert change.beyond_noise


def test_a_slower_machine_is_no_slower_kernel():
    old = compare.ratios_of(a_run([a_cell(steady(100), numpy=steady(200))]))
    new = compare.ratios_of(a_run([a_cell(steady(300), numpy=steady(600))]))
    assert not any(change.beyond_noise for change in compare.changes(old, new))


def test_small_changes_are_not_reported():
    (change,) = changed(steady(100), steady(104), numpy=steady(200))
    assert not change.beyond_noise


def test_doubt_on_either_side_widens_what_is_let_pass():
    sure, doubtful = compare.Ratio(2.0, 0.01), compare.Ratio(1.6, 0.3)
    assert not compare.Change("a", 1, "numpy", sure, doubtful).beyond_noise
    assert compare.Change("a", 1, "numpy", sure, compare.Ratio(1.6, 0.01)).beyond_noise


def test_threads_are_put_on_cores_of_their_own():
    def pairs(cpu):  # 0 and 4 are one core, as 1 and 5 are
        return [cpu % 4, cpu % 4 + 4]

    assert measure.cores_last(range(8), pairs) == [4, 5, 6, 7, 0, 1, 2, 3]
    assert measure.cores_last([0, 4, 5, 6], pairs) == [4, 0, 5, 6]
    assert measure.cores_last(range(4), lambda cpu: [cpu]) == [0, 1, 2, 3]


def compare_command(*arguments):
    command = [sys.executable, "-m", "stridecast_bench.compare", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_against_a_baseline(tmp_path):
    old, new, baseline = (tmp_path / name for name in ("old.json", "new.json", "baseline.json"))
    results.save(a_run([a_cell(steady(100), numpy=steady(200))]), old)
    results.save(a_run([a_cell(steady(150), numpy=steady(200))]), new)
    assert compare_command("--write-baseline", old, baseline).returncode == 0
    done = compare_command("--strict", baseline, new)
    assert done.returncode == 1, done.stderr
    assert "1 slower beyond noise" in done.stdout
    assert "cast/float32/float64 beside numpy: 2.00 -> 1.33" in done.stdout
    assert compare_command("--strict", old, old).returncode == 0


def test_a_cell_is_slower_where_every_run_says_so(tmp_path):
    """What make bench-check does with cells that became slower: it times them again."""
    old, new, again, slower = (tmp_path / name for name in ("o.json", "n.json", "a.json", "s.txt"))

    def save(path, **cells):
        both = [a_cell(steady(ns), case=f"cast/{x}", numpy=steady(200)) for x, ns in cells.items()]
        results.save(a_run(both), path)

    save(old, a=100, b=100, c=100)
    save(new, a=150, b=150, c=100)
    done = compare_command("--strict", old, new, "--slower", slower)
    assert done.returncode == 1, done.stderr
    assert slower.read_text(encoding="utf-8") == "cast/a\ncast/b\n"

    save(again, a=100, b=140)
    done = compare_command("--strict", old, new, again)
    assert done.returncode == 1, done.stderr
    assert "1 slower beyond noise" in done.stdout
    assert "cast/b beside numpy: 2.00 -> 1.43" in done.stdout

    save(again, a=100, b=100)
    assert compare_command("--strict", old, new, again).returncode == 0


def test_runs_of_different_kernels_are_not_merged(tmp_path):
    for name, target in (("a", "AVX2"), ("b", "AVX3")):
        cells = [a_cell(steady(100), numpy=steady(200))]
        results.save(a_run(cells, flags={"target": target}), tmp_path / f"{name}.json")
    done = compare_command(tmp_path / "a.json", tmp_path / "a.json", tmp_path / "b.json")
    assert done.returncode == 2
    assert "different kernels: AVX2, AVX3" in done.stderr


def test_the_baseline_has_what_bench_check_times():
    """A family that it lacks could become slower unseen."""
    root = next(p for p in Path(__file__).parents if (p / "bench" / "baseline.json").exists())
    known = json.loads((root / "bench" / "baseline.json").read_text(encoding="utf-8"))
    for target, part in known["targets"].items():
        cases = {key.split(" ")[0] for key in part["ratios"]}
        for glob in suites.PROFILES["check"].cases:
            assert fnmatch.filter(cases, glob), f"{target} has no {glob}"


def test_a_baseline_keeps_other_simd_targets(tmp_path):
    path = tmp_path / "baseline.json"
    for target, ns in (("AVX2", 200), ("AVX3", 400), ("AVX2", 300)):
        cells = [a_cell(steady(100), numpy=steady(ns))]
        compare.write_baseline([a_run(cells, flags={"target": target})], path)
    key = ("cast/float32/float64", 1, "numpy")
    assert compare.load_ratios(path, "AVX2")[0][key].ratio == 3
    assert compare.load_ratios(path, "AVX3")[0][key].ratio == 4
    with pytest.raises(ValueError, match="no ratios for kernels of SSE2"):
        compare.load_ratios(path, "SSE2")


def test_a_baseline_of_several_runs_reaches_all_of_them(tmp_path):
    path = tmp_path / "baseline.json"
    runs = [a_run([a_cell(steady(100), numpy=steady(ns))]) for ns in (200, 800)]
    compare.write_baseline(runs, path)
    found = compare.load_ratios(path, "AVX2")[0]["cast/float32/float64", 1, "numpy"]
    assert found.ratio == pytest.approx(4)
    assert found.doubt == pytest.approx(1)
    for ratio, beyond in ((2.1, False), (7.9, False), (1.9, True), (8.5, True)):
        new = compare.Ratio(ratio, 0.0)
        assert compare.Change("a", 1, "numpy", found, new).beyond_noise == beyond, ratio


def test_another_cpu_and_other_versions_are_named(tmp_path):
    cells = [a_cell(steady(100), numpy=steady(200))]
    for name, cpu, numpy in (("a", "one CPU", "2.0"), ("b", "another", "2.1")):
        parts = {"machine": {"cpu": cpu}, "versions": {"numpy": numpy}}
        results.save(a_run(cells, **parts), tmp_path / f"{name}.json")
    done = compare_command(tmp_path / "a.json", tmp_path / "b.json")
    assert "another CPU: one CPU, then another" in done.stderr
    assert "another numpy: 2.0, then 2.1" in done.stderr


def test_files_that_are_missing_are_named(tmp_path):
    done = compare_command(tmp_path / "a.json.gz", tmp_path / "b.json")
    assert done.returncode == 2
    assert "b.json" in done.stderr and "Traceback" not in done.stderr


def test_files_without_a_common_cell_are_an_error(tmp_path):
    for name in "ab":
        cells = [a_cell(steady(1), case=f"{name}/x", numpy=steady(2))]
        results.save(a_run(cells), tmp_path / f"{name}.json")
    done = compare_command(tmp_path / "a.json", tmp_path / "b.json")
    assert done.returncode == 2
    assert "no cell is in both" in done.stderr


# The command


def bench_command(folder, *arguments):
    command = [sys.executable, "-m", "stridecast.cli", "bench", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_command_writes_results_and_a_page(tmp_path):
    options = ["--cases", "small/convert", "--peers", "numpy", "--seconds", "0.01", "--no-limits"]
    options += ["--output", "out [x]"]
    done = bench_command(tmp_path, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    found = results.load(tmp_path / "out [x]" / "results.json")
    (cell,) = found.cells
    assert cell.case == "small/convert"
    assert cell.peers.keys() == {"numpy"}
    assert found.command == f"stridecast bench {shlex.join(options)}"
    page = (tmp_path / "out [x]" / "index.html").read_text()
    assert "small/convert" in page
    assert "out [x]/index.html" in done.stdout


def test_some_cases_timed_again_leave_the_results_of_a_profile_alone(tmp_path):
    (tmp_path / "stridecast-bench").mkdir()
    options = ["--cases", "small/convert", "--peers", "numpy", "--seconds", "0", "--no-limits"]
    done = bench_command(tmp_path, *options)
    assert done.returncode == 0, done.stderr
    assert "Calls on few items" in done.stdout
    assert not list((tmp_path / "stridecast-bench").iterdir())


def test_families_have_titles():
    from stridecast_bench import selection, suites

    groups = {*selection.groups_for(1), *selection.groups_for(2)}
    assert groups == set(suites.FAMILIES)
    for profile in suites.PROFILES.values():
        heads = {glob.partition("/")[0] for glob in profile.cases} - {"*", "time-*"}
        assert heads <= groups


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--profile", "fastest"), "no profile 'fastest': check, quick, standard, full"),
        (("--peers", "matlab"), "no group of peers 'matlab'"),
        (("--threads", "1,many"), "numbers with commas"),
        (("--threads", "100000"), "more threads measure nothing"),
        (("--cases", "nothing/at-all", "--no-limits", "--peers", "numpy"), "no case nothing/at"),
        (("--library", "missing.so"), "missing.so is no libstridecast_bench of this version"),
        (("--output", "/dev/null/x"), "--output /dev/null/x: "),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, arguments, says):
    done = bench_command(tmp_path, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (tmp_path / "stridecast-bench").exists()


def test_thread_counts_are_powers_of_two_and_all():
    from stridecast_bench.suites import thread_counts

    assert [thread_counts(n) for n in (1, 2, 6, 8)] == [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]


# The model of larger machines


def test_threads_help_until_memory_is_full():
    from stridecast_bench.scaling import Case, Machine

    case = Case("a copy", ns=2.0, bus_bytes=20.0)  # 10 GB/s by one thread
    machine = Machine("8 cores", cores=8, channels=1, mega_transfers=6250)  # 40 GB/s
    assert machine.gb_s == pytest.approx(40)
    assert [case.speed_up(n, machine.gb_s) for n in (1, 2, 4, 8)] == pytest.approx([1, 2, 4, 4])
    assert case.full_at(machine.gb_s) == pytest.approx(4)


def test_pages_on_one_node_leave_the_other_nodes_memory_idle():
    from stridecast_bench.scaling import Machine

    near = Machine("two nodes", 16, channels=4, mega_transfers=6250, nodes=2, link=100.0)
    assert near.gb_s == pytest.approx(160)
    assert near.gb_s_on_one_node == pytest.approx(80), "its own channels bind"
    far = Machine("two nodes", 16, channels=4, mega_transfers=6250, nodes=2, link=20.0)
    assert far.gb_s_on_one_node == pytest.approx(40), "half of the bytes cross the link"
