"""Tables of judged rows: for a terminal, and for a markdown file."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import Path

from judge import SCALING_SHARE, Verdict, gathered
from stridecast_bench.markdown import write_between

#: How many cells of a row are listed with its worst figures.
LISTED = 5
#: What SCALING_SHARE is a share of.
THREADS_GAIN = "what memcpy or a read gains by as many threads"


def describe(outcome: dict) -> str:
    machine, versions = outcome["machine"], outcome["versions"]
    names = {
        "numpy": "NumPy",
        "torch": "PyTorch",
        "tensorstore": "TensorStore",
        "pyarrow": "PyArrow",
        "numkong": "NumKong",
        "bottleneck": "Bottleneck",
    }
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


def print_worst(verdicts: list[Verdict], outcomes: list[dict]) -> None:
    """The cells of each row that are nearest to a miss, with the peer that counts."""
    print("\nthe worst cells of rows of several")
    results = {case: found for outcome in outcomes for case, found in outcome["results"].items()}
    for verdict in verdicts:
        figures = verdict.figures or {}
        if len(figures) < 2:
            continue
        order = sorted(figures, key=figures.get, reverse=verdict.target.speed is None)
        cells = (
            f"{case} {figures[case]:.2f} ({verdict.target.fastest(results[case])})"
            for case in order[:LISTED]
        )
        print(f"  {verdict.target.id}: {'; '.join(cells)}")


def print_left_out(outcomes: list[dict]) -> None:
    """What stridecast cannot do, and peers that were not timed because they give other results."""
    reasons: dict[str, list[str]] = {}
    for case, why in gathered("unable", outcomes).items():
        what = "no such conversion" if why.startswith("no conversion") else why
        reasons.setdefault(what, []).append(case)
    for why, cases in reasons.items():
        listed = ", ".join(cases[:LISTED]) + (", ..." if len(cases) > LISTED else "")
        print(f"  not done by stridecast: {len(cases)} cells: {why}: {listed}")
    others: dict[str, list[str]] = {}
    for case, result in outcomes[0]["results"].items():
        for peer in result.get("other_results", {}):
            others.setdefault(peer, []).append(case)
    for peer, cases in others.items():
        print(f"  other results, not timed: {peer}: {', '.join(cases)}")


def print_report(verdicts: list[Verdict], outcomes: list[dict]) -> None:
    print(describe(outcomes[0]))
    print(f"noise, a call beside itself: {noise_text(outcomes[0]['noise'])}")
    print(f"processes: {len(outcomes)}\n")
    width = max(24, *(len(verdict.target.id) for verdict in verdicts))
    print(f"{'row':{width}} {'asked':>9} {'measured':>9}  {'verdict':24} worst of cells")
    for verdict in verdicts:
        case, value = verdict.worst
        print(
            f"{verdict.target.id:{width}} {verdict.target.asked:>9} {verdict.measured:9.3f}"
            f"  {verdict.text:24} {case} {value:.3f} of {verdict.cells}"
        )
    for verdict in verdicts:
        if verdict.target.statistic == "every":
            for case, value in sorted(verdict.misses.items(), key=lambda item: item[1]):
                print(f"  MISS  {verdict.target.id}: {case} {value:.3f}")
            for case, reason in verdict.known.items():
                print(f"  known {verdict.target.id}: {case}: {reason}")
    for case, why in gathered("failures", outcomes).items():
        print(f"  FAILED {case}: {why}")
    for name, why in outcomes[0]["absent"].items():
        print(f"  not installed: {name} ({why}); rows beside it alone were left out")
    if any(verdict.target.scaling for verdict in verdicts):
        print(f"  * or {SCALING_SHARE:g} of {THREADS_GAIN}")
    print_left_out(outcomes)
    print_worst(verdicts, outcomes)
    print_beside(beside(verdicts, outcomes))


def figure_text(verdict: Verdict) -> str:
    between = spread_text(*verdict.spread)
    return f"{verdict.measured:.3g}" + (f" ({between})" if between else "")


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
            f"| {verdict.target.title} | {verdict.target.asked} | {figure_text(verdict)}"
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
        lines += ["", f"\\* or {SCALING_SHARE:g} of {THREADS_GAIN}."]
    lines += beside_markdown(beside(verdicts, outcomes))
    write_between(path, f"targets of part {part}", f"end of part {part}", lines)


@dataclass(frozen=True)
class Measured:
    """The rows of one part, judged, and what its processes found."""

    number: int
    verdicts: list[Verdict]
    outcomes: list[dict]


def spread_text(low: float, high: float) -> str:
    return f"{low:.3g} to {high:.3g}" if low < high else ""


def write_json(folder: Path, measured: Measured) -> None:
    """part-N.json: the rows, for write_table(), and all times."""
    rows = [
        {
            "id": v.target.id,
            "title": v.target.title,
            "asked": v.target.asked,
            "measured": v.measured,
            "spread": v.spread,
            "verdict": v.text,
            "cells": v.cells,
            "worst": v.worst,
            "misses": v.misses,
            "unable": v.unable,
            "known": v.known,
        }
        for v in measured.verdicts
    ]
    described = describe(measured.outcomes[0])
    found = {"part": measured.number, "machine": described, "rows": rows}
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**found, "processes": measured.outcomes}, indent=1)
    (folder / f"part-{measured.number}.json").write_text(text, encoding="utf-8")


def table_of(parts: list[dict]) -> list[str]:
    """One table of all parts: what was asked, what was measured and how far that moved."""
    machines = list(dict.fromkeys(part["machine"] for part in parts))
    lines = [f"{place}. {machine}." for place, machine in enumerate(machines, 1)]
    lines += ["", "| part | row | asked | measured | spread | verdict | machine |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for part in sorted(parts, key=lambda part: part["part"]):
        place = machines.index(part["machine"]) + 1
        for row in part["rows"]:
            figures = f"{row['asked']} | {row['measured']:.3g} | {spread_text(*row['spread'])}"
            lines.append(
                f"| {part['part']} | {row['title']} | {figures} | {row['verdict']} | {place} |"
            )
    verdicts = [row["verdict"] for part in parts for row in part["rows"]]
    passed = sum(verdict.startswith("pass") for verdict in verdicts)
    return [*lines, "", f"{passed} of {len(verdicts)} rows pass."]


def write_table(files: list[Path], markdown: Path | None) -> None:
    """The table of these files of write_json(), to the terminal or between a file's marks."""
    lines = table_of([json.loads(path.read_text(encoding="utf-8")) for path in files])
    if markdown is None:
        print("\n".join(lines))
    else:
        write_between(markdown, "targets of all parts", "end of all parts", lines)
