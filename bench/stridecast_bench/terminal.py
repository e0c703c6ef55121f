"""The summary of a run for a terminal, by rich: who is how much slower or faster, and how sure.

Ratios that noise exceeds are not printed: they are counted as ties, or as noisy.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from stridecast_bench.results import FASTER, NOISY, SLOWER, TIE, Cell, Comparison, Run

#: Cells listed where ours is slower than a peer.
LISTED = 15


def ratio_text(comparison: Comparison) -> str:
    """The ratio with its spread; or why there is none."""
    if comparison.verdict == NOISY:
        return f"noisy ({comparison.noise:.0%})"
    if comparison.verdict == TIE:
        return f"tie (within {max(comparison.noise, 0.02):.0%})"
    low, high = comparison.spread
    return f"{comparison.ratio:.2f} ({low:.2f} to {high:.2f})"


def held(cells: Iterable[Cell], peer: str) -> list[float]:
    """The ratios to a peer that noise does not exceed, with ties."""
    found = (cell.peers.get(peer) for cell in cells)
    return [c.ratio for c in found if c is not None and c.verdict != NOISY]


def _families(run: Run) -> Table:
    table = Table(title="Times as fast as each peer (geometric means; cells in brackets)")
    table.add_column("family")
    peers = list(dict.fromkeys(peer for cell in run.cells for peer in cell.peers))
    for peer in peers:
        table.add_column(peer, justify="right")
    table.add_column("of the limit", justify="right")
    for family, title in run.families.items():
        cells = [cell for cell in run.cells if cell.family == family]
        row = [title]
        for peer in peers:
            ratios = held(cells, peer)
            mean = statistics.geometric_mean(ratios) if ratios else None
            row.append(f"{mean:.2f} ({len(ratios)})" if mean else "")
        fractions = [cell.fraction for cell in cells if cell.fraction]
        row.append(f"{statistics.median(fractions):.0%}" if fractions else "")
        table.add_row(*row)
    return table


def _slower(run: Run) -> Table | None:
    rows = sorted(
        (comparison.ratio, cell, peer, comparison)
        for cell in run.cells
        for peer, comparison in cell.peers.items()
        if comparison.verdict == SLOWER
    )
    if not rows:
        return None
    more = f", {len(rows) - LISTED} more in the page" if len(rows) > LISTED else ""
    table = Table(title=f"Where a peer is faster: {len(rows)} of all comparisons{more}")
    for name in ("case", "peer", "ratio (spread)", "ours", "peer's"):
        table.add_column(name, justify="left" if name in ("case", "peer") else "right")
    for _, cell, peer, c in rows[:LISTED]:
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
            f" {n.high:.1%}; ratios above {n.threshold:.0%} are not printed"
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
    for table in (_limits(run), _families(run), _slower(run)):
        if table is not None:
            console.print(table)
    for line in _closing(run):
        console.print(line, markup=False, highlight=False)
