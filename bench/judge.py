"""What was asked and whether it was reached: the rows of targets.toml, judged by measured times."""

from __future__ import annotations

import math
import statistics
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

#: Where threads are asked to help, this share of what they help memcpy, or a read, is enough.
SCALING_SHARE = 0.9
#: Behind the name of a peer that counts only where it can do the cell.
WHERE_ABLE = "?"
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
    #: The share of `speed` that is asked of AVX2's kernels.
    on_avx2: float = 1.0

    def __post_init__(self) -> None:
        if (self.speed is None) == (self.time is None):
            raise ValueError(f"{self.id}: one of speed and time")
        if self.statistic not in ("every", *SUMMARIES):
            raise ValueError(f"{self.id}: statistic is every, geomean or median")
        if self.scaling is not None and (self.speed is None or self.statistic != "every"):
            raise ValueError(f"{self.id}: scaling needs speed and every")

    def selects(self, case: str) -> bool:
        return any_glob(case, self.cases) and not any_glob(case, self.without)

    def reason(self, case: str) -> str | None:
        """Why `case` may miss, if that is known."""
        return next(
            (why for key, why in (self.known or {}).items() if fnmatchcase(case, key)), None
        )

    def value(self, result: dict) -> float:
        """The figure of one cell, in the row's own terms."""
        times = result["ns"]
        peer = times[self.fastest(result)]
        return peer / times["ours"] if self.speed is not None else times["ours"] / peer

    def spread(self, result: dict) -> tuple[float, float]:
        """How far the figure moved within the process; the figure itself where that is unknown."""
        found = result.get("spread", {}).get(self.fastest(result))
        if found is None:
            return self.value(result), self.value(result)
        low, high = found
        return (low, high) if self.speed is not None else (1 / high, 1 / low)

    @property
    def peer_names(self) -> list[str]:
        return [name.removesuffix(WHERE_ABLE) for name in self.peer]

    def fastest(self, result: dict) -> str:
        """The peer that counts for this cell."""
        times = result["ns"]
        return min((name for name in self.peer_names if name in times), key=times.__getitem__)

    def eased(self, result: dict) -> float:
        """By how much less is asked of this cell, because the machine does not give more."""
        if "avx2" in result.get("facts", {}):
            return self.on_avx2
        if self.scaling is None:
            return 1.0
        one, many = (result["ns"][name] for name in self.scaling)
        return min(1.0, SCALING_SHARE * one / many / self.speed)

    def judged(self, result: dict) -> bool:
        needed = [name for name in self.peer if not name.endswith(WHERE_ABLE)]
        present = result["ns"].keys()
        return present >= {*needed, *(self.scaling or ())} and not present.isdisjoint(
            self.peer_names
        )

    def reached(self, value: float, eased: float = 1.0) -> bool:
        return value >= self.speed * eased if self.speed is not None else value <= self.time

    def best(self, values: list[float]) -> float:
        return max(values) if self.speed is not None else min(values)

    def worst(self, values: list[float]) -> float:
        return min(values) if self.speed is not None else max(values)

    @property
    def asked(self) -> str:
        limit = f">= {self.speed:g}" if self.speed is not None else f"<= {self.time:g}"
        if self.on_avx2 != 1:
            limit += f" ({self.speed * self.on_avx2:g} on AVX2)"
        return limit + ("*" if self.scaling else "")


def any_glob(case: str, patterns: list[str] | tuple[str, ...]) -> bool:
    return any(fnmatchcase(case, pattern) for pattern in patterns)


def _rows() -> list[dict]:
    with open(Path(__file__).resolve().parent / "targets.toml", "rb") as file:
        return tomllib.load(file)["target"]


def all_parts() -> list[int]:
    return sorted({row["part"] for row in _rows()})


def load_targets(part: int) -> list[Target]:
    return [
        Target(**{key: tuple(v) if key in TUPLES else v for key, v in row.items()})
        for row in _rows()
        if row["part"] == part
    ]


@dataclass
class Verdict:
    """A row, judged over the processes so far."""

    target: Target
    measured: float = math.nan
    spread: tuple[float, float] = (math.nan, math.nan)
    misses: dict[str, float] | None = None  # cells, with the best of their figures
    known: dict[str, str] | None = None  # cells that miss for a known reason
    worst: tuple[str, float] = ("", math.nan)
    cells: int = 0
    broken: int = 0  # cells that raised, or whose result was not the peer's
    unable: int = 0  # cells that stridecast cannot do
    figures: dict[str, float] | None = None  # the best of every cell
    missing: list[str] | None = None  # peers that are not installed

    @property
    def text(self) -> str:
        if self.broken:
            return f"BROKEN ({self.broken} cells)"
        if math.isnan(self.measured):
            if self.unable:
                return f"NOT DONE ({self.unable} cells)"
            return f"no {', '.join(self.missing)} here" if self.missing else "not measured"
        rest = f" ({self.unable} not done)" if self.unable else ""
        if self.misses:
            return "MISS" + rest
        if self.unable:
            return "partial" + rest
        return "pass (known exceptions)" if self.known else "pass"

    def again(self) -> list[str]:
        """What another process would have to time."""
        if self.target.statistic == "median":  # noise of a few cells does not move it
            return []
        if self.target.statistic in SUMMARIES:
            return self.target.cases if self.misses else []
        return list(self.misses or ())


@dataclass(frozen=True)
class Figure:
    """What one process found for a cell."""

    value: float
    reached: bool
    spread: tuple[float, float]


def judge(target: Target, outcomes: list[dict]) -> Verdict:
    verdict = Verdict(target, misses={}, known={})
    figures: dict[str, list[Figure]] = {}
    for outcome in outcomes:
        for case, result in outcome["results"].items():
            if target.selects(case) and target.judged(result):
                value = target.value(result)
                reached = target.reached(value, target.eased(result))
                figures.setdefault(case, []).append(Figure(value, reached, target.spread(result)))
    verdict.cells = len(figures)
    verdict.broken = sum(map(target.selects, gathered("failures", outcomes)))
    absent = {name for outcome in outcomes for name in outcome["absent"]}
    verdict.missing = sorted(absent.intersection(target.peer_names))
    verdict.unable = sum(map(target.selects, gathered("unable", outcomes)))
    if not figures:
        return verdict
    best = {case: target.best([one.value for one in found]) for case, found in figures.items()}
    verdict.figures = best
    worst = min if target.speed is not None else max
    verdict.worst = worst(best.items(), key=lambda item: item[1])
    if target.statistic in SUMMARIES:
        summarize(verdict, figures.keys(), outcomes)
        return verdict
    for case, value in best.items():
        if any(one.reached for one in figures[case]):
            continue
        reason = target.reason(case)
        if reason is None:
            verdict.misses[case] = value
        else:
            verdict.known[case] = reason
    judged = [value for case, value in best.items() if case not in verdict.known]
    verdict.measured = target.worst(judged or list(best.values()))
    verdict.spread = next(
        one.spread for found in figures.values() for one in found if one.value == verdict.measured
    )
    return verdict


def summarize(verdict: Verdict, cases: Iterable[str], outcomes: list[dict]) -> None:
    """The best of the processes that measured all of `cases`."""
    target, cases = verdict.target, set(cases)
    summary = SUMMARIES[target.statistic]
    found: dict[float, tuple[float, float]] = {}
    for outcome in outcomes:
        results = [result for case, result in outcome["results"].items() if case in cases]
        if len(results) == len(cases):
            low, high = zip(*map(target.spread, results), strict=True)
            found[summary(map(target.value, results))] = summary(low), summary(high)
    if found:
        verdict.measured = target.best(list(found))
        verdict.spread = found[verdict.measured]
        if not target.reached(verdict.measured):
            verdict.misses = {target.statistic: verdict.measured}


def gathered(part: str, outcomes: list[dict]) -> dict[str, str]:
    """What all processes say in "failures", or in "unable", by case."""
    return {case: why for outcome in outcomes for case, why in outcome[part].items()}
