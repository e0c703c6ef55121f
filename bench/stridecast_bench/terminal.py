"""The summary of a run for a terminal, by rich: who is how much slower or faster, and how sure.

Ratios that noise exceeds are not printed: they are counted as ties, or as noisy.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from stridecast_bench import summary
from stridecast_bench.ratios import SMALLEST
from stridecast_bench.results import FASTER, NOISY, SLOWER, TIE, Comparison, Run

#: Cells listed where ours is slower than a peer.
LISTED = 15


def ratio_text(comparison: Comparison) -> str:
    """The ratio with its spread; or why there is none."""
    if comparison.verdict == NOISY:
        return f"noisy ({comparison.noise:.0%})"
    if comparison.verdict == TIE:
        return f"tie (within {max(comparison.noise, SMALLEST):.0%})"
    low, high = comparison.spread
    return f"{comparison.ratio:.2f} ({low:.2f} to {high:.2f})"


def _families(run: Run) -> Table:
    table = Table(title="Times as fast, geometric means by family")
    for name in ("family", "cells", "best peer", "numpy", "of the limit"):
        table.add_column(name, justify="left" if name == "family" else "right")
    means = {(line.family, line.peer): line.mean for line in summary.lines(run)}
    for family, title in run.families.items():
        cells = [cell for cell in run.cells if cell.family == family]
        fractions = [cell.fraction for cell in cells if cell.fraction]
        table.add_row(
            title,
            str(len(cells)),
            *(_number(means.get((family, peer))) for peer in (summary.BEST, "numpy")),
            f"{statistics.median(fractions):.0%}" if fractions else "",
        )
    return table


def _peers(run: Run) -> Table:
    table = Table(title="Beside each peer")
    kinds = (FASTER, TIE, SLOWER, NOISY)
    for name in ("peer", "version", "mean", *kinds):
        table.add_column(name, justify="left" if name == "peer" else "right")
    for peer in summary.peers_of(run):
        found = [cell.peers[peer] for cell in run.cells if peer in cell.peers]
        ratios = [c.ratio for c in found if c.verdict != NOISY]
        counts = (str(sum(c.verdict == kind for c in found)) for kind in kinds)
        mean = statistics.geometric_mean(ratios) if ratios else None
        table.add_row(peer, run.versions.get(peer, ""), _number(mean), *counts)
    return table


def _number(mean: float | None) -> str:
    return "" if mean is None else f"{mean:.2f}"


def _slower(run: Run) -> Table | None:
    rows = sorted(
        (
            (cell, peer, comparison)
            for cell in run.cells
            for peer, comparison in cell.peers.items()
            if comparison.verdict == SLOWER
        ),
        key=lambda row: row[2].ratio,
    )
    if not rows:
        return None
    more = f", {len(rows) - LISTED} more in the page" if len(rows) > LISTED else ""
    table = Table(title=f"Where a peer is faster: {len(rows)} of all comparisons{more}")
    for name in ("case", "peer", "ratio (spread)", "ours", "peer's"):
        table.add_column(name, justify="left" if name in ("case", "peer") else "right")
    for cell, peer, c in rows[:LISTED]:
        threads = f" on {cell.threads} threads" if cell.threads > 1 else ""
        times = (duration(c.ours.least), duration(c.peer.least))
        table.add_row(cell.case + threads, peer, ratio_text(c), *times)
    return table


def _limits(run: Run) -> Table | None:
    if not run.limits:
        return None
    table = Table(title="What this machine moves, GB/s")
    for name in ("level", "threads", "read", "write", "copy", "write past", "copy past the cache"):
        table.add_column(name, justify="left" if name == "level" else "right")
    for s in run.limits:
        speeds = (s.read, s.write, s.copy, s.write_past_cache, s.copy_past_cache)
        texts = ("" if speed is None else f"{speed:.1f}" for speed in speeds)
        table.add_row(s.level, str(s.threads), *texts)
    return table


def duration(ns: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.3g} ns"


def _closing(run: Run) -> Iterable[str]:
    verdicts = [c.verdict for cell in run.cells for c in cell.peers.values()]
    counts = (f"{verdicts.count(kind)} {kind}" for kind in (FASTER, TIE, SLOWER, NOISY))
    yield f"{len(run.cells)} cells, comparisons: {', '.join(counts)}"
    if run.noise is not None:
        n = run.noise
        yield (
            f"noise: the same call twice differs by {n.median:.1%}, nine in ten cells by less than"
            f" {n.high:.1%}; above {n.threshold:.0%} of noise no ratio is printed"
        )
    for name, why in run.absent.items():
        yield f"left out: {name}: {why}"
    for cell in run.cells:
        if cell.failed:
            yield f"FAILED {cell.case}: {cell.failed}"
    unable = [cell.case for cell in run.cells if cell.unable]
    if unable:
        yield f"not done by stridecast: {len(unable)} cells, such as {unable[0]}"
    others = {peer: cell.case for cell in run.cells for peer in cell.left_out}
    for peer, case in others.items():
        yield f"other results, not timed: {peer}, such as in {case}"


def report(run: Run, console: Console) -> None:
    """Prints everything that a reader needs before he opens the page."""
    for table in (_limits(run), _families(run), _peers(run), _slower(run)):
        if table is not None:
            console.print(table)
    for line in _closing(run):
        console.print(line, markup=False, highlight=False)
