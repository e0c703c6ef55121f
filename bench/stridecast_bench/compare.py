"""Two runs side by side: what became faster or slower beyond noise.

    python -m stridecast_bench.compare OLD.json NEW.json [AGAIN.json ...] [--strict]
    python -m stridecast_bench.compare --write-baseline RUN.json [AGAIN.json ...] BASELINE.json

What is compared are ratios to peers, not times: they move less from machine to machine. A change
is beyond noise where it exceeds what both runs saw in calls timed against themselves, and half of
how far the ratio moved within each. Of a cell that several new runs timed the best counts: what is
slower in one process alone was in the way of something there. A baseline holds ratios only, by
SIMD target; of several runs the middle, with a doubt that reaches all of them.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from stridecast_bench import results
from stridecast_bench.results import NOISY, Run

BASELINE = "ratios of stridecast bench"
#: Changes below this are never reported: code moves in memory, and loops with it.
SMALLEST = 0.05


@dataclass(frozen=True)
class Ratio:
    """A ratio to a peer, and by how much it may be off: 0.05 is 5 percent either way."""

    ratio: float
    doubt: float


#: Ratios by (case, threads, peer).
Ratios = dict[tuple[str, int, str], Ratio]


@dataclass(frozen=True)
class Change:
    case: str
    threads: int
    peer: str
    old: Ratio
    new: Ratio

    @property
    def factor(self) -> float:
        """Above 1: faster than it was."""
        return self.new.ratio / self.old.ratio

    @property
    def beyond_noise(self) -> bool:
        doubt = max(SMALLEST, self.old.doubt + self.new.doubt)
        return abs(math.log(self.factor)) > math.log1p(doubt)


def ratios_of(run: Run) -> Ratios:
    """All ratios but those of noisy cells."""
    found = {}
    for cell in run.cells:
        for peer, c in cell.peers.items():
            if c.verdict != NOISY:
                low, high = c.spread
                half = math.sqrt(high / low) - 1 if low > 0 else 0.0
                found[cell.case, cell.threads, peer] = Ratio(c.ratio, round(c.noise + half, 4))
    return found


def middle_of(runs: list[Ratios]) -> Ratios:
    """Every cell's ratio between the lowest and the highest that it may have been in any run."""
    known: dict[tuple[str, int, str], list[Ratio]] = {}
    for run in runs:
        for key, one in run.items():
            known.setdefault(key, []).append(one)
    found = {}
    for key, ones in known.items():
        low = min(one.ratio / (1 + one.doubt) for one in ones)
        high = max(one.ratio * (1 + one.doubt) for one in ones)
        ratio, doubt = math.sqrt(low * high), math.sqrt(high / low) - 1
        found[key] = Ratio(float(f"{ratio:.4g}"), round(doubt, 4))
    return found


def write_baseline(runs: list[Run], path: Path) -> None:
    """Adds the ratios of these runs, or puts them in place of those of their SIMD target."""
    run = runs[0]
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    targets = known.get("targets", {}) if known.get("kind") == BASELINE else {}
    targets[str(run.flags["target"])] = {
        "cpu": run.machine.get("cpu", ""),
        "made": run.made,
        "versions": run.versions,
        "ratios": {
            f"{case} {threads} {peer}": [one.ratio, one.doubt]
            for (case, threads, peer), one in sorted(middle_of(list(map(ratios_of, runs))).items())
        },
    }
    text = json.dumps({"kind": BASELINE, "targets": targets}, indent=0, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def _from_baseline(found: dict, target: str, path: Path) -> Ratios:
    if target not in found["targets"]:
        raise ValueError(
            f"{path}: no ratios for kernels of {target}, only of {', '.join(found['targets'])}"
        )
    ratios: Ratios = {}
    for key, (ratio, doubt) in found["targets"][target]["ratios"].items():
        case, threads, peer = key.split(" ", 2)
        ratios[case, int(threads), peer] = Ratio(ratio, doubt)
    return ratios


def load_ratios(path: Path, target: str | None = None) -> tuple[Ratios, str]:
    """Of a run or of a baseline, and the SIMD target. ValueError says what is wrong with a file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else {}
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
    if isinstance(found, dict) and found.get("kind") == BASELINE:
        return _from_baseline(found, target or next(iter(found["targets"])), path), target or ""
    run = results.load(path)
    return ratios_of(run), str(run.flags.get("target", ""))


def _facts(path: Path, target: str) -> dict[str, object]:
    """The CPU and the versions that a file's ratios belong to."""
    if path.suffix == ".json":
        found = json.loads(path.read_text(encoding="utf-8"))
        if found.get("kind") == BASELINE:
            return found["targets"][target]
    run = results.load(path)
    return {"cpu": run.machine.get("cpu", ""), "versions": run.versions}


def differences(old: Path, new: Path, target: str) -> list[str]:
    """What else than our code may have changed the ratios."""
    before, after = _facts(old, target), _facts(new, target)
    found = []
    if before["cpu"] != after["cpu"]:
        found.append(f"another CPU: {before['cpu']}, then {after['cpu']}")
    for name, version in after["versions"].items():
        known = before["versions"].get(name, version)
        if known != version and name != "stridecast":
            found.append(f"another {name}: {known}, then {version}")
    return found


def best_of(runs: list[Ratios]) -> Ratios:
    """Every cell's highest ratio."""
    found: Ratios = {}
    for run in runs:
        for key, one in run.items():
            found[key] = max(one, found.get(key, one), key=lambda ratio: ratio.ratio)
    return found


def changes(old: Ratios, new: Ratios) -> list[Change]:
    """Of the cells that both have, the slowest change first."""
    found = [Change(*key, old[key], new[key]) for key in old.keys() & new.keys()]
    return sorted(found, key=lambda change: (change.factor, change.case, change.peer))


def _line(change: Change) -> str:
    threads = f" on {change.threads} threads" if change.threads > 1 else ""
    return (
        f"{change.factor:7.2f}  {change.case}{threads} beside {change.peer}:"
        f" {change.old.ratio:.2f} -> {change.new.ratio:.2f}"
    )


def report(old: Ratios, new: Ratios) -> list[Change]:
    """Prints what changed; gives back what became slower."""
    both = changes(old, new)
    beyond = [change for change in both if change.beyond_noise]
    slower = [change for change in beyond if change.factor < 1]
    faster = [change for change in beyond if change.factor > 1]
    for title, found in (("slower", slower), ("faster", list(reversed(faster)))):
        print(f"{len(found)} {title} beyond noise" + (":" if found else ""))
        for change in found:
            print(_line(change))
    unchanged = len(both) - len(beyond)
    print(
        f"{unchanged} within noise; {len(old.keys() - new.keys())} of the old were not timed,"
        f" {len(new.keys() - old.keys())} of the new have nothing to be compared with"
    )
    if both:
        mean = statistics.geometric_mean(change.factor for change in both)
        print(f"geometric mean of all changes: {mean:.3f}")
    return slower


def load_runs(paths: list[Path]) -> tuple[Ratios, str]:
    """The best of several runs, all of one SIMD target."""
    runs = [load_ratios(path) for path in paths]
    targets = {target for _, target in runs}
    if len(targets) > 1:
        raise ValueError(f"runs of different kernels: {', '.join(sorted(targets))}")
    return best_of([ratios for ratios, _ in runs]), targets.pop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", type=Path, help="a run, or a baseline")
    parser.add_argument("new", type=Path, nargs="+", help="a run, and runs that time cells again")
    parser.add_argument("--strict", action="store_true", help="exit 1 where cells became slower")
    parser.add_argument("--slower", type=Path, help="names the cases that did, one a line")
    parser.add_argument(
        "--write-baseline", action="store_true", help="the last file gets the ratios of the others"
    )
    arguments = parser.parse_args()
    try:
        if arguments.write_baseline:
            *again, baseline = arguments.new
            write_baseline([results.load(path) for path in (arguments.old, *again)], baseline)
            return 0
        new, target = load_runs(arguments.new)
        old, _ = load_ratios(arguments.old, target)
    except (OSError, ValueError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    for difference in differences(arguments.old, arguments.new[0], target):
        print(f"compare: {difference}", file=sys.stderr)
    if not old.keys() & new.keys():
        print("compare: no cell is in both files", file=sys.stderr)
        return 2
    slower = report(old, new)
    if arguments.slower:
        names = sorted({change.case for change in slower})
        arguments.slower.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    return 1 if arguments.strict and slower else 0


if __name__ == "__main__":
    sys.exit(main())
