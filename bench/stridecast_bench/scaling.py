"""A model of larger machines: from what one core was measured to take to what many would.

    python -m stridecast_bench.scaling results.json [--markdown docs/performance.md]

Of a case out of memory two things are known: the bytes that cross the bus (limits.py) and the time
of one thread. P threads take a P-th of it, until the bus is full:

    speed-up(P) = min(P, B * t / b)     B: bytes/ns of the machine's memory; t: ns of one thread
                                        b: bytes on the bus

which is a roofline (Williams, Waterman and Patterson, 2009) with threads for its axis. It leaves
out what only a measurement would show: clocks that sink with more cores, and caches that hold a
part. The machines are data sheets: channels x transfers x 8 bytes, of which SUSTAINED is reached.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from stridecast_bench import results
from stridecast_bench.markdown import write_between
from stridecast_bench.results import Cell, Run

#: What streams reach of the nominal speed of memory.
SUSTAINED = 0.8


@dataclass(frozen=True)
class Machine:
    """Cores and memory; `link` is what one node reads from the other's memory, in GB/s."""

    name: str
    cores: int
    channels: int
    mega_transfers: int
    nodes: int = 1
    link: float = float("inf")

    @property
    def node_gb_s(self) -> float:
        return SUSTAINED * self.channels * self.mega_transfers * 8 / 1000 / self.nodes

    @property
    def gb_s(self) -> float:
        """Of all nodes, each core with memory of its own node."""
        return self.nodes * self.node_gb_s

    @property
    def gb_s_on_one_node(self) -> float:
        """Of all cores where one thread touched every page first: half of what is read crosses."""
        if self.nodes == 1:
            return self.node_gb_s
        return min(self.node_gb_s, self.link * self.nodes / (self.nodes - 1))


MACHINES = (
    Machine("8 cores, 2 channels DDR5-5600", 8, 2, 5600),
    Machine("64 cores, 12 channels DDR5-4800", 64, 12, 4800),
    # Four links of 32 GT/s and 16 lanes each, of which about three quarters are data.
    Machine("2 x 96 cores, 24 channels DDR5-4800", 192, 24, 4800, nodes=2, link=190.0),
)


@dataclass(frozen=True)
class Case:
    """A case out of memory: ns and bytes on the bus of one item."""

    name: str
    ns: float
    bus_bytes: float

    @property
    def gb_s(self) -> float:
        return self.bus_bytes / self.ns

    def full_at(self, gb_s: float) -> float:
        """Threads that fill memory of this speed."""
        return gb_s / self.gb_s

    def speed_up(self, threads: int, gb_s: float) -> float:
        return min(threads, self.full_at(gb_s))


#: No core takes so much out of memory: who is faster ends before the last byte, as the index of the
#: largest int8 does at the first 127.
MOST_GB_S = 1000


def case_of(cell: Cell) -> Case | None:
    """A cell of one thread out of memory that touches all of its bytes; None for others."""
    if cell.level != "memory" or cell.threads != 1 or not (cell.limit and cell.ours and cell.items):
        return None
    case = Case(cell.case, cell.ours.least / cell.items, cell.limit.bus_bytes / cell.items)
    return case if case.gb_s < MOST_GB_S else None


def cases_of(run: Run) -> list[Case]:
    """Those of a run, the greediest first."""
    found = (case_of(cell) for cell in run.cells)
    return sorted((case for case in found if case), key=lambda case: -case.gb_s)


def tables(run: Run) -> list[str]:
    """Two tables in markdown: where memory is full, and what placement changes."""
    heads = [machine.name for machine in MACHINES]
    lines = ["| case | bytes an item | one thread, GB/s |"]
    lines[0] += "".join(f" {name}: speed-up, full at |" for name in heads)
    lines.append("| --- | --- | --- |" + " --- |" * len(heads))
    for case in cases_of(run):
        row = f"| `{case.name}` | {case.bus_bytes:.3g} | {case.gb_s:.3g} |"
        for machine in MACHINES:
            speed_up = case.speed_up(machine.cores, machine.gb_s)
            full = case.full_at(machine.gb_s)
            threads = f"{full:.0f} threads" if full < machine.cores else "never"
            row += f" {speed_up:.3g}, {threads} |"
        lines.append(row)
    lines += ["", "| machine | GB/s, pages with the cores that use them | all on one node |"]
    lines.append("| --- | --- | --- |")
    for machine in MACHINES:
        one = f"{machine.gb_s_on_one_node:.0f}" if machine.nodes > 1 else "the same"
        lines.append(f"| {machine.name} | {machine.gb_s:.0f} | {one} |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    lines = tables(results.load(arguments.results))
    if arguments.markdown:
        write_between(arguments.markdown, "scaling", "end of scaling", lines)
    else:
        print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
