"""Rows of bench/targets.toml: how they are judged, and the table of all of them."""

import importlib
import json
import math
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module", autouse=True)
def bench_on_path():
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


def module(name):
    return importlib.import_module(name)


def target(**facts):
    row = {"id": "a", "part": 1, "title": "A row", "cases": ["a/*"], "peer": ["numpy"]}
    return module("judge").Target(**(row | {"statistic": "every", "speed": 2.0} | facts))


def outcome(**cells):
    """One process: (ours, peer's, spread) by the last part of the case's name."""
    results = {
        f"a/{name}": {"ns": {"ours": ours, "numpy": peer}, "spread": {"numpy": spread}}
        for name, (ours, peer, spread) in cells.items()
    }
    versions = {"stridecast": "1", "target": "AVX2", "numpy": "2"}
    machine = {"cpu": "a CPU", "cpus": 2, "system": "Linux 6", "python": "3.13"}
    return {
        "results": results,
        "failures": {},
        "unable": {},
        "absent": {},
        "versions": versions,
        "machine": machine,
        "noise": {},
    }


def judged(row, *outcomes):
    return module("judge").judge(row, list(outcomes))


def test_every_cell_must_reach_the_ratio():
    verdict = judged(target(), outcome(x=(1, 3, (2.9, 3.1)), y=(1, 1.5, (1.4, 1.6))))
    assert verdict.text == "MISS"
    assert verdict.measured == 1.5
    assert verdict.spread == (1.4, 1.6)
    assert verdict.misses == {"a/y": 1.5}


def test_a_cell_that_reaches_it_in_one_process_has_reached_it():
    first, second = outcome(x=(1, 1.5, (1.4, 1.6))), outcome(x=(1, 2.5, (2.4, 2.6)))
    verdict = judged(target(), first, second)
    assert verdict.text == "pass"
    assert (verdict.measured, verdict.spread) == (2.5, (2.4, 2.6))


def test_a_mean_has_the_mean_of_spreads():
    row = target(statistic="geomean")
    verdict = judged(row, outcome(x=(1, 2, (1, 4)), y=(1, 8, (4, 16))))
    assert verdict.measured == pytest.approx(4)
    assert verdict.spread == pytest.approx((2, 8))


def test_times_are_spread_the_other_way_round():
    row = target(speed=None, time=0.5)
    verdict = judged(row, outcome(x=(1, 4, (2, 5))))
    assert verdict.measured == 0.25
    assert verdict.spread == pytest.approx((0.2, 0.5))


def test_one_table_of_several_runs(tmp_path):
    report = module("targets_report")
    for part, ratio in ((1, 3.0), (2, 1.5)):
        outcomes = [outcome(x=(1, ratio, (ratio, ratio + 0.1)))]
        verdicts = [judged(target(part=part, title=f"Row {part}"), *outcomes)]
        report.write_json(tmp_path, report.Measured(part, verdicts, outcomes))
    page = tmp_path / "performance.md"
    page.write_text(
        "before\n<!-- targets of all parts -->\nold\n<!-- end of all parts -->\nafter\n"
    )
    report.write_table(sorted(tmp_path.glob("part-*.json")), page)
    text = page.read_text()
    assert "| 1 | Row 1 | >= 2 | 3 | 3 to 3.1 | pass | 1 |" in text
    assert "| 2 | Row 2 | >= 2 | 1.5 | 1.5 to 1.6 | MISS | 1 |" in text
    assert "1 of 2 rows pass." in text
    assert text.startswith("before\n") and text.endswith("after\n")
    assert "old" not in text


def test_rows_that_were_not_measured_say_so(tmp_path):
    report = module("targets_report")
    nothing = outcome()
    verdict = judged(target(), nothing)
    assert math.isnan(verdict.measured)
    report.write_json(tmp_path, report.Measured(1, [verdict], [nothing]))
    (row,) = json.loads((tmp_path / "part-1.json").read_text())["rows"]
    assert row["verdict"] == "not measured"


def test_all_rows_of_the_file_can_be_read():
    judge = module("judge")
    rows = [row for part in judge.all_parts() for row in judge.load_targets(part)]
    assert judge.all_parts() == [1, 2, 3, 4, 5, 6]
    assert len({row.id for row in rows}) == len(rows)
