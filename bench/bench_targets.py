"""Measures the rows of targets.toml: what was asked, what was measured, reached or missed.

    python bench/bench_targets.py --part 1 [--json FILE] [--markdown docs/performance.md]

Runs peers.py in up to three separate processes. The first times everything; the next ones only
the cells that missed, and the groups whose mean missed. A cell misses when it misses in all:
a process can be unlucky with its memory layout or its neighbours, three in a row hardly are. Rows
on several threads have processes of their own. How a ratio is measured is in measure.py.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROCESSES = 3
#: Where threads are asked to help, this share of what they help memcpy is enough.
SCALING_SHARE = 0.9
#: Cases of this group run on so many threads, in a process of their own.
THREAD_GROUP, THREADS = "threads", 2
#: Figures of all cells in one; the other statistic judges every cell by itself.
SUMMARIES: dict[str, Callable[[Iterable[float]], float]] = {
    "geomean": statistics.geometric_mean,
    "median": statistics.median,
}
#: What is a list in targets.toml and a tuple here.
TUPLES = ("without", "scaling")


@dataclass(frozen=True)
class Target:
    """One row of targets.toml."""

    id: str
    part: int
    title: str
    cases: list[str]
    peer: list[str]
    statistic: str
    without: tuple[str, ...] = ()
    speed: float | None = None
    time: float | None = None
    known: dict[str, str] | None = None
    scaling: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if (self.speed is None) == (self.time is None):
            raise ValueError(f"{self.id}: one of speed and time")
        if self.statistic not in ("every", *SUMMARIES):
            raise ValueError(f"{self.id}: statistic is every, geomean or median")
        if self.scaling is not None and (self.speed is None or self.statistic != "every"):
            raise ValueError(f"{self.id}: scaling needs speed and every")

    def selects(self, case: str) -> bool:
        return _any(case, self.cases) and not _any(case, self.without)

    def reason(self, case: str) -> str | None:
        """Why `case` may miss, if that is known."""
        return next(
            (why for key, why in (self.known or {}).items() if fnmatchcase(case, key)), None
        )

    def value(self, result: dict) -> float:
        """The figure of one cell, in the row's own terms."""
        times = result["ns"]
        peer = min(times[name] for name in self.peer)
        return peer / times["ours"] if self.speed is not None else times["ours"] / peer

    def eased(self, result: dict) -> float:
        """By how much less is asked of this cell, because the machine does not give more."""
        if self.scaling is None:
            return 1.0
        one, many = (result["ns"][name] for name in self.scaling)
        return min(1.0, SCALING_SHARE * one / many / self.speed)

    def judged(self, result: dict) -> bool:
        return all(name in result["ns"] for name in (*self.peer, *(self.scaling or ())))

    def reached(self, value: float, eased: float = 1.0) -> bool:
        return value >= self.speed * eased if self.speed is not None else value <= self.time

    def best(self, values: list[float]) -> float:
        return max(values) if self.speed is not None else min(values)

    def worst(self, values: list[float]) -> float:
        return min(values) if self.speed is not None else max(values)

    @property
    def asked(self) -> str:
        limit = f">= {self.speed:g}" if self.speed is not None else f"<= {self.time:g}"
        return limit + ("*" if self.scaling else "")


def _any(case: str, patterns: list[str] | tuple[str, ...]) -> bool:
    return any(fnmatchcase(case, pattern) for pattern in patterns)


def load_targets(part: int) -> list[Target]:
    with open(HERE / "targets.toml", "rb") as file:
        rows = tomllib.load(file)["target"]
    return [
        Target(**{key: tuple(v) if key in TUPLES else v for key, v in row.items()})
        for row in rows
        if row["part"] == part
    ]


def run_peers(cases: list[str], options: list[str]) -> dict:
    """These cases in one process of peers.py; those on several threads in another."""
    threaded = [case for case in cases if case.partition("/")[0] == THREAD_GROUP]
    others = [case for case in cases if case not in threaded]
    outcome = run_process(others, options) if others else None
    if threaded:
        on_threads = run_process(threaded, [*options, "--threads", str(THREADS)])
        if outcome is None:
            return on_threads
        for part in ("results", "failures"):
            outcome[part] |= on_threads[part]
    return outcome


def run_process(cases: list[str], options: list[str]) -> dict:
    command = [sys.executable, str(HERE / "peers.py"), "--json", "-", *options]
    for case in cases:
        command += ["--cases", case]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if not done.stdout:
        raise SystemExit(f"peers.py ended with status {done.returncode} and no result")
    return json.loads(done.stdout)


@dataclass
class Verdict:
    """A row, judged over the processes so far."""

    target: Target
    measured: float = math.nan
    misses: dict[str, float] | None = None  # cells, with the best of their figures
    known: dict[str, str] | None = None  # cells that miss for a known reason
    worst: tuple[str, float] = ("", math.nan)
    cells: int = 0
    broken: int = 0  # cells that raised, or whose result was not the peer's
    missing: list[str] | None = None  # peers that are not installed

    @property
    def text(self) -> str:
        if self.broken:
            return f"BROKEN ({self.broken} cells)"
        if math.isnan(self.measured):
            return f"no {', '.join(self.missing)} here" if self.missing else "not measured"
        if self.misses:
            return "MISS"
        return "pass (known exceptions)" if self.known else "pass"

    def again(self) -> list[str]:
        """What another process would have to time."""
        if self.target.statistic == "median":  # noise of a few cells does not move it
            return []
        if self.target.statistic in SUMMARIES:
            return self.target.cases if self.misses else []
        return list(self.misses or ())


def judge(target: Target, outcomes: list[dict]) -> Verdict:
    verdict = Verdict(target, misses={}, known={})
    figures: dict[str, list[tuple[float, bool]]] = {}  # each with whether it reached
    for outcome in outcomes:
        for case, result in outcome["results"].items():
            if target.selects(case) and target.judged(result):
                value = target.value(result)
                reached = target.reached(value, target.eased(result))
                figures.setdefault(case, []).append((value, reached))
    verdict.cells = len(figures)
    verdict.broken = sum(map(target.selects, failures(outcomes)))
    absent = {name for outcome in outcomes for name in outcome["absent"]}
    verdict.missing = sorted(absent.intersection(target.peer))
    if not figures:
        return verdict
    best = {case: target.best([value for value, _ in found]) for case, found in figures.items()}
    worst = min if target.speed is not None else max
    verdict.worst = worst(best.items(), key=lambda item: item[1])
    if target.statistic in SUMMARIES:
        summarize(verdict, figures.keys(), outcomes)
        return verdict
    for case, value in best.items():
        if any(reached for _, reached in figures[case]):
            continue
        reason = target.reason(case)
        if reason is None:
            verdict.misses[case] = value
        else:
            verdict.known[case] = reason
    judged = [value for case, value in best.items() if case not in verdict.known]
    verdict.measured = target.worst(judged or list(best.values()))
    return verdict


def summarize(verdict: Verdict, cases: Iterable[str], outcomes: list[dict]) -> None:
    """The best of the processes that measured all of `cases`."""
    target, cases = verdict.target, set(cases)
    found = []
    for outcome in outcomes:
        values = [
            target.value(result) for case, result in outcome["results"].items() if case in cases
        ]
        if len(values) == len(cases):
            found.append(SUMMARIES[target.statistic](values))
    if found:
        verdict.measured = target.best(found)
        if not target.reached(verdict.measured):
            verdict.misses = {target.statistic: verdict.measured}


def failures(outcomes: list[dict]) -> dict[str, str]:
    return {case: why for outcome in outcomes for case, why in outcome["failures"].items()}


def measure_all(targets: list[Target], options: list[str], processes: int) -> list[dict]:
    cases = sorted({case for target in targets for case in target.cases})
    outcomes = [run_peers(cases, [*options, "--noise"])]
    while len(outcomes) < processes:
        again = sorted({case for target in targets for case in judge(target, outcomes).again()})
        if not again:
            break
        print(
            f"timing again in process {len(outcomes) + 1}: {len(again)} selections", file=sys.stderr
        )
        outcomes.append(run_peers(again, options))
    return outcomes


def describe(outcome: dict) -> str:
    machine, versions = outcome["machine"], outcome["versions"]
    names = {"numpy": "NumPy", "torch": "PyTorch", "tensorstore": "TensorStore"}
    others = [name for name in versions if name not in ("stridecast", "target")]
    return (
        f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['system']};"
        f" stridecast {versions['stridecast']} ({versions['target']}),"
        f" {', '.join(f'{names.get(name, name)} {versions[name]}' for name in others)},"
        f" Python {machine['python']}"
    )


def beside(verdicts: list[Verdict], outcomes: list[dict]) -> dict[str, dict[str, float]]:
    """How many times as fast as each peer, judged or not, ours was: geometric means by row.

    Of the first process, which timed everything.
    """
    table: dict[str, dict[str, float]] = {}
    for target in (verdict.target for verdict in verdicts):
        ratios: dict[str, list[float]] = {}
        for case, result in outcomes[0]["results"].items():
            if target.selects(case):
                for peer, ns in result["ns"].items():
                    ratios.setdefault(peer, []).append(ns / result["ns"]["ours"])
        ratios.pop("ours", None)
        table[" ".join(target.cases)] = {
            peer: statistics.geometric_mean(values) for peer, values in ratios.items()
        }
    return table


def print_beside(table: dict[str, dict[str, float]]) -> None:
    print("\nhow many times as fast as each peer, geometric means")
    for cases, ratios in table.items():
        text = "  ".join(f"{peer} {ratio:.2f}" for peer, ratio in ratios.items())
        print(f"  {cases}\n      {text}")


def beside_markdown(table: dict[str, dict[str, float]]) -> list[str]:
    peers = list(dict.fromkeys(peer for ratios in table.values() for peer in ratios))
    lines = ["", "How many times as fast as each peer, geometric means:", ""]
    lines += [f"| cases | {' | '.join(peers)} |", f"| --- |{' --- |' * len(peers)}"]
    for cases, ratios in table.items():
        cells = [f"{ratios[peer]:.3g}" if peer in ratios else "" for peer in peers]
        lines.append(f"| `{cases}` | {' | '.join(cells)} |")
    return lines


def noise_text(noise: dict[str, float]) -> str:
    """The worst self-comparison of every CPU."""
    cpus: dict[str, tuple[float, str]] = {}
    for name, distance in noise.items():
        cpu, _, what = name.partition("/")
        cpus[cpu] = max(cpus.get(cpu, (0.0, "")), (distance, what))
    return "; ".join(
        f"{cpu} {100 * distance:.1f}% ({what})" for cpu, (distance, what) in sorted(cpus.items())
    )


def print_report(verdicts: list[Verdict], outcomes: list[dict]) -> None:
    print(describe(outcomes[0]))
    print(f"noise, a call beside itself: {noise_text(outcomes[0]['noise'])}")
    print(f"processes: {len(outcomes)}\n")
    print(f"{'row':24} {'asked':>9} {'measured':>9}  {'verdict':24} worst of cells")
    for verdict in verdicts:
        case, value = verdict.worst
        print(
            f"{verdict.target.id:24} {verdict.target.asked:>9} {verdict.measured:9.3f}"
            f"  {verdict.text:24} {case} {value:.3f} of {verdict.cells}"
        )
    for verdict in verdicts:
        if verdict.target.statistic == "every":
            for case, value in sorted(verdict.misses.items(), key=lambda item: item[1]):
                print(f"  MISS  {verdict.target.id}: {case} {value:.3f}")
            for case, reason in verdict.known.items():
                print(f"  known {verdict.target.id}: {case}: {reason}")
    for case, why in failures(outcomes).items():
        print(f"  FAILED {case}: {why}")
    for name, why in outcomes[0]["absent"].items():
        print(f"  not installed: {name} ({why}); rows beside it were left out")
    if any(verdict.target.scaling for verdict in verdicts):
        print(f"  * or {SCALING_SHARE:g} of what memcpy gains by as many threads")
    print_beside(beside(verdicts, outcomes))


def write_markdown(path: Path, part: int, verdicts: list[Verdict], outcomes: list[dict]) -> None:
    """Puts the table between the markers of this part; the rest of the file is kept."""
    lines = [
        f"{describe(outcomes[0])}.",
        f"Noise of a call beside itself: {noise_text(outcomes[0]['noise'])}.",
        "",
        "| row | asked | measured | | worst cell |",
        "| --- | --- | --- | --- | --- |",
    ]
    for verdict in verdicts:
        case, value = verdict.worst
        lines.append(
            f"| {verdict.target.title} | {verdict.target.asked} | {verdict.measured:.3g}"
            f" | {verdict.text} | {case} {value:.3g} |"
        )
    missed = [
        (verdict.target.id, case, value)
        for verdict in verdicts
        if verdict.target.statistic == "every"
        for case, value in verdict.misses.items()
    ]
    if missed:
        lines += ["", "Cells that missed in every process:", ""]
        lines += [f"- {row}: {case} {value:.3g}" for row, case, value in missed]
    known = [(case, why) for verdict in verdicts for case, why in (verdict.known or {}).items()]
    if known:
        lines += ["", "Known exceptions:", ""]
        lines += [f"- {case}: {why}" for case, why in known]
    if any(verdict.target.scaling for verdict in verdicts):
        lines += ["", f"\\* or {SCALING_SHARE:g} of what memcpy gains by as many threads."]
    lines += beside_markdown(beside(verdicts, outcomes))
    begin, end = f"<!-- targets of part {part} -->", f"<!-- end of part {part} -->"
    text = path.read_text(encoding="utf-8")
    head, found_begin, rest = text.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not found_begin or not found_end:
        raise SystemExit(f"{path} has no place for the table: {begin} ... {end}")
    path.write_text(
        "".join([head, begin, "\n", "\n".join(lines), "\n", end, tail]), encoding="utf-8"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", type=int, default=1)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--row", action="append", default=[], help="only rows with this glob")
    parser.add_argument("--library", help="libstridecast_bench, if not under build*/")
    parser.add_argument("--json", type=Path, help="write verdicts and all times there")
    parser.add_argument("--markdown", type=Path, help="write the table between this file's markers")
    parser.add_argument("--strict", action="store_true", help="a miss makes the exit status 1")
    arguments = parser.parse_args()

    targets = [
        target
        for target in load_targets(arguments.part)
        if not arguments.row or _any(target.id, arguments.row)
    ]
    if not targets:
        parser.error("no such row")
    options = ["--library", arguments.library] if arguments.library else []
    outcomes = measure_all(targets, options, arguments.processes)
    verdicts = [judge(target, outcomes) for target in targets]
    print_report(verdicts, outcomes)
    if arguments.json:
        rows = [
            {
                "id": v.target.id,
                "asked": v.target.asked,
                "measured": v.measured,
                "verdict": v.text,
                "worst": v.worst,
                "misses": v.misses,
                "known": v.known,
            }
            for v in verdicts
        ]
        arguments.json.write_text(
            json.dumps({"rows": rows, "processes": outcomes}, indent=1), encoding="utf-8"
        )
    if arguments.markdown:
        write_markdown(arguments.markdown, arguments.part, verdicts, outcomes)
    broken = any(v.broken or (math.isnan(v.measured) and not v.missing) for v in verdicts)
    missed = any(v.text == "MISS" for v in verdicts)
    return 1 if broken or (arguments.strict and missed) else 0


if __name__ == "__main__":
    sys.exit(main())
