"""Measures the rows of targets.toml: what was asked, what was measured, reached or missed.

    python bench/bench_targets.py --part 1 [--json FILE] [--markdown docs/performance.md]

Runs peers.py in up to three separate processes. The first times everything; the next ones only
the cells that missed, and the groups whose mean missed. A cell misses when it misses in all:
a process can be unlucky with its memory layout or its neighbours, three in a row hardly are. How a
ratio is measured is in measure.py.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROCESSES = 3


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

    def __post_init__(self) -> None:
        if (self.speed is None) == (self.time is None):
            raise ValueError(f"{self.id}: one of speed and time")
        if self.statistic not in ("every", "geomean"):
            raise ValueError(f"{self.id}: statistic is every or geomean")

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

    def reached(self, value: float) -> bool:
        return value >= self.speed if self.speed is not None else value <= self.time

    def best(self, values: list[float]) -> float:
        return max(values) if self.speed is not None else min(values)

    def worst(self, values: list[float]) -> float:
        return min(values) if self.speed is not None else max(values)

    @property
    def asked(self) -> str:
        return f">= {self.speed:g}" if self.speed is not None else f"<= {self.time:g}"


def _any(case: str, patterns: list[str] | tuple[str, ...]) -> bool:
    return any(fnmatchcase(case, pattern) for pattern in patterns)


def load_targets(part: int) -> list[Target]:
    with open(HERE / "targets.toml", "rb") as file:
        rows = tomllib.load(file)["target"]
    return [
        Target(**{**row, "without": tuple(row.get("without", ()))})
        for row in rows
        if row["part"] == part
    ]


def run_peers(cases: list[str], options: list[str]) -> dict:
    """One process of peers.py over these cases."""
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

    @property
    def text(self) -> str:
        if self.broken:
            return f"BROKEN ({self.broken} cells)"
        if math.isnan(self.measured):
            return "not measured"
        if self.misses:
            return "MISS"
        return "pass (known exceptions)" if self.known else "pass"

    def again(self) -> list[str]:
        """What another process would have to time."""
        if self.target.statistic == "geomean":
            return self.target.cases if self.misses else []
        return list(self.misses or ())


def judge(target: Target, outcomes: list[dict]) -> Verdict:
    verdict = Verdict(target, misses={}, known={})
    figures: dict[str, list[float]] = {}
    for outcome in outcomes:
        for case, result in outcome["results"].items():
            if target.selects(case) and all(peer in result["ns"] for peer in target.peer):
                figures.setdefault(case, []).append(target.value(result))
    verdict.cells = len(figures)
    verdict.broken = sum(map(target.selects, failures(outcomes)))
    if not figures:
        return verdict
    best = {case: target.best(values) for case, values in figures.items()}
    verdict.worst = min(best.items(), key=lambda item: item[1])
    if target.time is not None:
        verdict.worst = max(best.items(), key=lambda item: item[1])
    if target.statistic == "geomean":
        means = []
        for outcome in outcomes:
            values = [
                target.value(result)
                for case, result in outcome["results"].items()
                if case in figures
            ]
            # A mean counts only where one process measured every cell of it.
            if len(values) == len(figures):
                means.append(math.exp(sum(map(math.log, values)) / len(values)))
        if not means:
            return verdict
        verdict.measured = target.best(means)
        if not target.reached(verdict.measured):
            verdict.misses = {"mean": verdict.measured}
        return verdict
    for case, value in best.items():
        if target.reached(value):
            continue
        reason = target.reason(case)
        if reason is None:
            verdict.misses[case] = value
        else:
            verdict.known[case] = reason
    judged = [value for case, value in best.items() if case not in verdict.known]
    verdict.measured = target.worst(judged or list(best.values()))
    return verdict


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
    return (
        f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['system']};"
        f" stridecast {versions['stridecast']} ({versions['target']}), NumPy {versions['numpy']},"
        f" ml_dtypes {versions['ml_dtypes']}, Python {machine['python']}"
    )


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
    print(f"{'row':20} {'asked':>9} {'measured':>9}  {'verdict':24} worst of cells")
    for verdict in verdicts:
        case, value = verdict.worst
        print(
            f"{verdict.target.id:20} {verdict.target.asked:>9} {verdict.measured:9.3f}"
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
    broken = any(v.broken or math.isnan(v.measured) for v in verdicts)
    missed = any(v.text == "MISS" for v in verdicts)
    return 1 if broken or (arguments.strict and missed) else 0


if __name__ == "__main__":
    sys.exit(main())
