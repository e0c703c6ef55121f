"""What a run says of each family and peer: geometric means, how many cells of which verdict.

Reads values of results.py and makes plain values for reports; it draws nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stridecast_bench.results import NOISY, Cell, Comparison, Run

#: Stands for the peer with the least ratio of each cell.
BEST = "best peer"


@dataclass(frozen=True)
class Line:
    """A family beside one peer, or beside the best one of each cell."""

    family: str
    peer: str
    #: Of all ratios that hold, ties among them; None where none does.
    mean: float | None
    #: How many comparisons ended with each verdict.
    verdicts: dict[str, int]
    #: Index in Run.cells of the least ratio that holds.
    slowest: int | None


def peers_of(run: Run) -> list[str]:
    """Every peer that was timed, in the order in which cells name them."""
    return list(dict.fromkeys(name for cell in run.cells for name in cell.peers))


def best_or_noisy(cell: Cell) -> tuple[str, Comparison] | None:
    """The best peer; where no ratio holds, the first of the noisy ones."""
    return cell.best_peer or next(iter(cell.peers.items()), None)


def _line(family: str, peer: str, found: Iterable[tuple[int, Comparison]]) -> Line | None:
    compared = list(found)
    if not compared:
        return None
    held = [(one.ratio, index) for index, one in compared if one.verdict != NOISY]
    mean = math.exp(sum(math.log(ratio) for ratio, _ in held) / len(held)) if held else None
    slowest = min(held)[1] if held else None
    return Line(family, peer, mean, dict(Counter(one.verdict for _, one in compared)), slowest)


def _family_lines(family: str, cells: list[tuple[int, Cell]], peers: list[str]) -> Iterator[Line]:
    best = ((index, best_or_noisy(cell)) for index, cell in cells)
    beside_best = _line(family, BEST, ((index, found[1]) for index, found in best if found))
    beside_each = (
        _line(family, peer, ((i, cell.peers[peer]) for i, cell in cells if peer in cell.peers))
        for peer in peers
    )
    yield from filter(None, (beside_best, *beside_each))


def families_of(run: Run) -> dict[str, str]:
    """Titles of the families, and of those that only cells name."""
    return run.families | {
        cell.family: cell.family for cell in run.cells if cell.family not in run.families
    }


def lines(run: Run) -> list[Line]:
    """By family, and within it the best peer first."""
    peers = peers_of(run)
    by_family: dict[str, list[tuple[int, Cell]]] = {name: [] for name in families_of(run)}
    for index, cell in enumerate(run.cells):
        by_family[cell.family].append((index, cell))
    return [line for name, cells in by_family.items() for line in _family_lines(name, cells, peers)]
