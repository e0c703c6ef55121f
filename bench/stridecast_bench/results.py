"""What a run of `stridecast bench` found: the values that its JSON holds, and the way in and out.

Times are nanoseconds a call, speeds GB/s (10^9 bytes). Who measures is in run.py and worker.py,
who draws in terminal.py and page.py; compare.py reads two of them.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path

#: Changed with every change that a reader of older files would misread.
SCHEMA = 1

#: How a ratio compares with what the same call timed twice differs by.
FASTER, SLOWER, TIE, NOISY = "faster", "slower", "tie", "noisy"


@dataclass(frozen=True)
class Time:
    """The least and the median of many rounds, in ns a call."""

    least: float
    median: float

    @classmethod
    def of(cls, samples: list[float]) -> Time:
        return cls(round(min(samples), 2), round(statistics.median(samples), 2))


@dataclass(frozen=True)
class Comparison:
    """Ours and one peer, timed in turn in one process."""

    ours: Time
    peer: Time
    #: The peer's least time over ours: above 1 ours is faster.
    ratio: float
    #: The least and the largest ratio among the parts that the rounds were cut into.
    spread: tuple[float, float]
    #: How far from 1 the ratio of our call to itself lay, in the same rounds.
    noise: float
    #: FASTER, SLOWER; TIE where noise explains the difference; NOISY where no ratio is to be had.
    verdict: str


@dataclass(frozen=True)
class Limit:
    """The least time that the machine needs to move the bytes of a case."""

    ns: float
    #: The measured speed that binds, such as "copy" or "copy past the cache".
    by: str
    #: Bytes that cross the bus of the level, with the lines that stores fetch first.
    bus_bytes: int
    #: In L1 and L2 loads and stores bind, not a bus: the figure is an estimate there.
    estimate: bool


@dataclass
class Cell:
    """One case: what it moves, how long ours took, and every peer beside it."""

    case: str
    family: str
    items: int = 0
    read: int = 0
    written: int = 0
    source: str = ""
    destination: str = ""
    level: str = ""
    threads: int = 1
    #: Our best process.
    ours: Time | None = None
    limit: Limit | None = None
    #: limit.ns over our least time: 1 is as fast as the machine moves bytes.
    fraction: float | None = None
    peers: dict[str, Comparison] = field(default_factory=dict)
    #: The same beside what nobody would use in place of ours: memcpy, streams, ours on one thread.
    yardsticks: dict[str, Comparison] = field(default_factory=dict)
    #: Peers that were not timed, each with the reason.
    left_out: dict[str, str] = field(default_factory=dict)
    #: Why ours could not do it, or what went wrong.
    unable: str = ""
    failed: str = ""
    #: By process group, then by contender: ns a call of every round, in order.
    #: None where a contender sat a round out.
    samples: dict[str, dict[str, list[float | None]]] = field(default_factory=dict)

    @property
    def rerun(self) -> str:
        """The command that times this cell again, and prints it."""
        threads = f" --threads {self.threads}" if self.threads > 1 else ""
        return f"stridecast bench --cases '{self.case}'{threads}"

    @property
    def best_peer(self) -> tuple[str, Comparison] | None:
        """The peer with the least ratio, of those whose ratio holds."""
        held = [(name, c) for name, c in self.peers.items() if c.verdict != NOISY]
        return min(held, key=lambda item: item[1].ratio, default=None)


@dataclass(frozen=True)
class Speeds:
    """What this machine moves at one level with so many threads, in GB/s of payload.

    A copy's payload is what it reads plus what it writes. None: not measured.
    """

    level: str
    threads: int
    bytes: int
    read: float | None = None
    write: float | None = None
    copy: float | None = None
    write_past_cache: float | None = None
    copy_past_cache: float | None = None
    #: Of an array that is read and written where it is.
    update: float | None = None


@dataclass(frozen=True)
class Noise:
    """Our calls beside themselves, over all cells: distances of ratios from 1."""

    median: float
    high: float  # nine tenths of the cells lie below
    #: Above this a cell's ratios are not printed.
    threshold: float


@dataclass
class Run:
    """Everything that one command found."""

    command: str
    #: ISO 8601, UTC.
    made: str
    machine: dict[str, object]
    versions: dict[str, str]
    #: How it was measured: SIMD target, profile, threads, seconds a cell.
    flags: dict[str, object]
    #: Peers that are not installed, each with the reason.
    absent: dict[str, str] = field(default_factory=dict)
    limits: list[Speeds] = field(default_factory=list)
    noise: Noise | None = None
    #: Titles of the families, in the order of reports.
    families: dict[str, str] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)


def to_json(run: Run) -> dict[str, object]:
    return {"schema": SCHEMA, **dataclasses.asdict(run)}


def _comparison(found: dict) -> Comparison:
    ours, peer = Time(**found["ours"]), Time(**found["peer"])
    return Comparison(**{**found, "ours": ours, "peer": peer, "spread": tuple(found["spread"])})


def _cell(found: dict) -> Cell:
    return Cell(
        **{
            **found,
            "ours": Time(**found["ours"]) if found["ours"] else None,
            "limit": Limit(**found["limit"]) if found["limit"] else None,
            "peers": {name: _comparison(one) for name, one in found["peers"].items()},
            "yardsticks": {name: _comparison(one) for name, one in found["yardsticks"].items()},
        }
    )


def from_json(found: dict) -> Run:
    """Raises ValueError for files of another schema, or of something else."""
    if found.get("schema") != SCHEMA:
        raise ValueError(
            f"results of schema {found.get('schema')}, this version reads {SCHEMA}:"
            " run `stridecast bench` again"
        )
    parts = {key: value for key, value in found.items() if key != "schema"}
    parts["limits"] = [Speeds(**one) for one in parts["limits"]]
    parts["noise"] = Noise(**parts["noise"]) if parts["noise"] else None
    parts["cells"] = [_cell(one) for one in parts["cells"]]
    return Run(**parts)


def save(run: Run, path: Path) -> None:
    """JSON; packed with gzip where the name ends in .gz."""
    text = json.dumps(to_json(run), separators=(",", ":"), ensure_ascii=False) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        path.write_text(text, encoding="utf-8")


def load(path: Path) -> Run:
    """Raises ValueError where the file is not what save() writes."""
    data = path.read_bytes()
    try:
        text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        found = json.loads(text)
        return from_json(found)
    except (OSError, TypeError, KeyError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not the JSON of stridecast bench ({error})") from error
