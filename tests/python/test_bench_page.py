"""The HTML page of `stridecast bench`: what it holds, and that texts of a run stay texts.

How it behaves in a browser is in test_bench_page_browser.py.
"""

import base64
import dataclasses
import hashlib
import html.parser
import json
import math
import re

import pytest
from bench_results import make_run

from stridecast_bench import page, results, summary

HOSTILE = "</script ><script >alert(1)</script><!-- <b>&amp; \u2028 $data"


class Elements(html.parser.HTMLParser):
    """Every element with its attributes, and the text of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.raw, self.open = [], {}, ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.open = f"{tag} {dict(attributes).get('type', '')}".strip()

    def handle_endtag(self, tag):
        self.open = ""

    def handle_data(self, data):
        if self.open:
            self.raw[self.open] = self.raw.get(self.open, "") + data


@pytest.fixture(scope="module")
def run():
    return make_run()


@pytest.fixture(scope="module")
def text(run):
    return page.render(run)


def without_samples(run):
    cells = [dataclasses.replace(cell, samples={}) for cell in run.cells]
    return dataclasses.replace(run, cells=cells)


def test_a_page_gives_back_its_run_without_samples(run, tmp_path):
    path = tmp_path / "page.html"
    page.write_page(run, path)
    assert page.read_page(path) == without_samples(run)
    assert any(cell.samples for cell in run.cells)


def test_another_file_is_no_page(tmp_path):
    path = tmp_path / "other.html"
    path.write_text("<!doctype html><p>hello")
    with pytest.raises(ValueError, match="not a page of stridecast bench"):
        page.read_page(path)


def test_one_file_that_loads_nothing(text):
    elements = Elements(text)
    loading = {"src", "srcset", "action", "formaction", "poster", "background"}
    assert not [tag for tag, attributes in elements.tags if loading & attributes.keys()]
    links = [attributes["href"] for _, attributes in elements.tags if "href" in attributes]
    assert links and all(link.startswith(("#", "data:")) for link in links)
    assert "url(" not in elements.raw["style"] and "@import" not in elements.raw["style"]
    assert not re.search(r"\bfetch\(|XMLHttpRequest|\bimport\b", elements.raw["script module"])


def test_the_policy_allows_exactly_the_script_and_the_style_of_the_page(text):
    elements = Elements(text)
    metas = [attributes for tag, attributes in elements.tags if tag == "meta"]
    [policy] = [meta["content"] for meta in metas if "http-equiv" in meta]
    rules = dict(rule.split(maxsplit=1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    for rule, element in (("script-src", "script module"), ("style-src", "style")):
        digest = hashlib.sha256(elements.raw[element].encode()).digest()
        assert rules[rule] == f"'sha256-{base64.b64encode(digest).decode()}'"


def test_texts_of_a_run_are_never_markup(run, tmp_path):
    hostile = dataclasses.replace(
        run,
        command=HOSTILE,
        made=HOSTILE,
        machine={"cpu": HOSTILE},
        absent={HOSTILE: HOSTILE},
        families={"cast": HOSTILE},
        cells=[dataclasses.replace(run.cells[1], case=HOSTILE, left_out={HOSTILE: HOSTILE})],
    )
    path = tmp_path / "page.html"
    page.write_page(hostile, path)
    assert page.read_page(path) == without_samples(hostile)
    tags = [tag for tag, _ in Elements(path.read_text(encoding="utf-8")).tags]
    assert tags == [tag for tag, _ in Elements(page.render(run)).tags]
    assert path.read_text(encoding="utf-8").count("</script") == page.render(run).count("</script")


def test_what_is_no_finite_number_becomes_null(run):
    first = dataclasses.replace(run.cells[1], fraction=math.inf)
    shown = page.render(dataclasses.replace(run, cells=[first]))
    data = json.loads(Elements(shown).raw["script application/json"])
    assert data["run"]["cells"][0]["fraction"] is None


def test_twenty_thousand_rows_stay_below_eight_megabytes():
    families = [f"more{i}" for i in range(7)]
    large = make_run(families=families)
    rows = sum(len(cell.peers) + len(cell.left_out) for cell in large.cells)
    assert rows > 20_000
    assert len(page.render(large)) < 8 << 20


@pytest.mark.parametrize(
    ("case", "source", "destination", "expected"),
    [
        ("cast/L2/float32/bfloat16", "float32", "bfloat16", "cast/L2/*/*"),
        ("matrix/float32/same", "float32", "float32", "matrix/*/*"),
        ("strided/reversed/float32-int8/x", "float32", "int8", "strided/reversed/*-*/x"),
        ("sum/L1/float32", "float32", "", "sum/L1/*"),
        ("small/convert", "", "", "small/convert"),
    ],
)
def test_the_pattern_of_a_case_is_its_name_without_types(case, source, destination, expected):
    assert page.pattern(results.Cell(case, "f", source=source, destination=destination)) == expected


def three_cells():
    ours = results.Time(10.0, 11.0)

    def beside(ratio, verdict):
        peer = results.Time(10.0 * ratio, 11.0 * ratio)
        return results.Comparison(ours, peer, ratio, (ratio, ratio), 0.01, verdict)

    return [
        results.Cell(
            "f/a",
            "f",
            ours=ours,
            peers={"p": beside(2.0, results.FASTER), "q": beside(0.5, results.SLOWER)},
        ),
        results.Cell(
            "f/b",
            "f",
            ours=ours,
            peers={"p": beside(8.0, results.FASTER), "q": beside(0.1, results.NOISY)},
        ),
        results.Cell("f/c", "f", ours=ours, peers={"q": beside(9.0, results.NOISY)}),
    ]


def test_the_summary_counts_verdicts_and_leaves_noise_out_of_means(run):
    lines = summary.lines(dataclasses.replace(run, families={"f": "F"}, cells=three_cells()))
    best, p, q = lines
    assert [line.peer for line in lines] == [summary.BEST, "p", "q"]
    assert p == summary.Line("f", "p", pytest.approx(4.0), {"faster": 2}, 0)
    assert q == summary.Line("f", "q", pytest.approx(0.5), {"slower": 1, "noisy": 2}, 0)
    assert best.mean == pytest.approx(2.0)  # of 0.5 and 8
    assert best.verdicts == {"slower": 1, "faster": 1, "noisy": 1}


def test_a_family_of_noise_alone_has_no_mean(run):
    lines = summary.lines(dataclasses.replace(run, families={}, cells=three_cells()[2:]))
    assert [(line.mean, line.slowest) for line in lines] == [(None, None)] * 2


def test_the_command_writes_a_page(run, tmp_path, capsys):
    packed, out = tmp_path / "run.json.gz", tmp_path / "page.html"
    results.save(run, packed)
    assert page.main([str(packed), str(out)]) == 0
    assert page.read_page(out) == without_samples(run)
    packed.write_bytes(b"{}")
    assert page.main([str(packed), str(out)]) == 1
    assert "schema" in capsys.readouterr().err
