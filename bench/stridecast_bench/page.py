"""Writes a run as one HTML file that needs nothing else: heat maps, rooflines, scaling, a table.

    python -m stridecast_bench.page RESULTS.json OUT.html

What is shown is decided here: the values of the run without its samples, and what follows from
them. How it is shown is in page_parts/: prose in page.html, looks in page.css, and one script each
for what is drawn. Texts of a run are data to the page, never markup; its scripts make nodes, and
the page's policy lets no other script run and nothing be loaded.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import hashlib
import html
import json
import math
import re
import sys
from importlib import resources
from pathlib import Path
from string import Template

from stridecast_bench import results, summary

#: Joined in this order into one module: each uses only what stands before it.
SCRIPTS = (
    "dom.js",
    "words.js",
    "state.js",
    "detail.js",
    "head.js",
    "map.js",
    "plot.js",
    "roofline.js",
    "scaling.js",
    "table.js",
)
#: Where the data stands in the page.
_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def _part(name: str) -> str:
    return (resources.files(__package__) / "page_parts" / name).read_text(encoding="utf-8")


def _finite(value: object) -> object:
    """JSON has no infinities and no NaN: a browser would refuse the whole."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value


def pattern(cell: results.Cell) -> str:
    """The case's name with stars for its dtypes: what cells of one heat map share."""
    parts = cell.case.split("/")
    both = f"{cell.source}-{cell.destination}"
    types = {cell.source: "*", cell.destination: "*", "same": "*", both: "*-*"}
    types.pop("", None)
    return "/".join(types.get(part, part) for part in parts)


def _without_samples(run: results.Run) -> results.Run:
    cells = [dataclasses.replace(cell, samples={}) for cell in run.cells]
    return dataclasses.replace(run, cells=cells)


def page_data(run: results.Run) -> dict[str, object]:
    """What the page holds: the run, and by cell what only Python knows how to derive."""
    best = [summary.best_or_noisy(cell) for cell in run.cells]
    return {
        "run": results.to_json(_without_samples(run)),
        "families": summary.families_of(run),
        "peers": summary.peers_of(run),
        "summary": [dataclasses.asdict(line) for line in summary.lines(run)],
        "cells": [
            {"rerun": cell.rerun, "pattern": pattern(cell), "best": found[0] if found else None}
            for cell, found in zip(run.cells, best, strict=True)
        ],
    }


def _json(data: object) -> str:
    """JSON that ends no script element and starts no comment."""
    text = json.dumps(_finite(data), separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _allowed(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def render(run: results.Run) -> str:
    """The whole page as text."""
    style = _part("page.css")
    script = "\n".join(_part(name) for name in SCRIPTS)
    policy = (
        f"default-src 'none'; img-src data:; base-uri 'none'; form-action 'none';"
        f" style-src {_allowed(style)}; script-src {_allowed(script)}"
    )
    cpu = run.machine.get("cpu", "unknown machine")
    return Template(_part("page.html")).substitute(
        policy=policy,
        title=html.escape(f"stridecast bench: {cpu}, {run.made[:10]}"),
        style=style,
        script=script,
        data=_json(page_data(run)),
    )


def write_page(run: results.Run, path: Path) -> None:
    path.write_text(render(run), encoding="utf-8")


def read_page(path: Path) -> results.Run:
    """The run that a page shows; ValueError where the file is no such page."""
    found = _DATA.search(path.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{path}: not a page of stridecast bench")
    return results.from_json(json.loads(found.group(1))["run"])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, help="the JSON of a run, packed with gzip or not")
    parser.add_argument("page", type=Path, help="the HTML file to write")
    given = parser.parse_args(arguments)
    try:
        write_page(results.load(given.results), given.page)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
