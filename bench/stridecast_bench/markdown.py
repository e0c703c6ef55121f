"""Puts what was measured into a document, between two marks, and leaves the rest as it is."""

from __future__ import annotations

from pathlib import Path


def write_between(path: Path, begin: str, end: str, lines: list[str]) -> None:
    """Replaces what is between two HTML comments; SystemExit where one of them is missing."""
    begin, end = f"<!-- {begin} -->", f"<!-- {end} -->"
    head, begun, rest = path.read_text(encoding="utf-8").partition(begin)
    _, ended, tail = rest.partition(end)
    if not begun or not ended:
        raise SystemExit(f"{path} has no place for the table: {begin} ... {end}")
    text = "".join([head, begin, "\n", "\n".join(lines), "\n", end, tail])
    path.write_text(text, encoding="utf-8")
