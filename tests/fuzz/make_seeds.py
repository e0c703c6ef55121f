"""Writes the seeds of the fuzz targets, from the corpus of format texts: make_seeds.py FOLDER.

FOLDER/format and FOLDER/plan get one file an input, as format_fuzz.cc and plan_fuzz.cc read them.
"""

import hashlib
import json
import sys
from pathlib import Path

CORPUS = Path(__file__).resolve().parents[1] / "data" / "format_corpus.json"
#: Numbers before the texts of a plan: flags, dimensions, sizes, placements of both, seed.
SHAPES = [
    bytes([0, 0, 0, 0, 0, 0, 3]),
    bytes([2, 1, 0x51, 0, 0, 0, 0, 1, 5, 9]),
    bytes([16, 2, 5, 6, 1, 0, 0, 3, 0, 2, 0, 4, 77]),
    bytes([1, 2, 0x43, 0x83, 0, 0x80, 2, 4, 0, 0, 0, 0, 5]),
    bytes([12, 3, 2, 3, 4, 5, 1, 0, 0, 1, 2, 0, 0, 0, 0, 6]),
]


def text_of(entry: dict) -> bytes:
    if entry["format"] is None:
        return bytes.fromhex(entry["format_hex"])
    return entry["format"].encode()


def format_seeds(entries: list[dict]) -> set[bytes]:
    seeds = set()
    for entry in entries:
        size = entry.get("itemsize")
        known = size is not None and size < 1 << 16
        flags = known | bool(entry.get("exact_size")) << 1
        seeds.add(
            bytes([flags, *(size.to_bytes(2, "little") if known else b"\0\0")]) + text_of(entry)
        )
    return seeds


def plan_seeds(entries: list[dict]) -> set[bytes]:
    texts = [text_of(entry) for entry in entries if not entry.get("error")]
    seeds = set()
    for i, text in enumerate(texts):
        numbers = SHAPES[i % len(SHAPES)]
        seeds.add(numbers + text)
        if len(text) < 3:  # one element: also into another
            other = texts[(i * 7 + 3) % len(texts)]
            seeds.add(numbers + text + b"\n" + (other if len(other) < 3 else b">E"))
    return seeds


def main(folder: Path) -> None:
    entries = json.loads(CORPUS.read_text(encoding="utf-8"))["entries"]
    for name, seeds in (("format", format_seeds(entries)), ("plan", plan_seeds(entries))):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            (folder / name / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
