"""The HTML page of `stridecast bench` in headless Chromium: filters, maps, plots, keys, themes.

Needs the package playwright (pip install playwright; its own browsers are not needed) and a
Chromium or Chrome of the system (on Debian: apt-get install chromium); else it is skipped.
"""

import os
import re
import shutil
from urllib.parse import parse_qs, urlparse

import pytest
from bench_results import make_run

from stridecast_bench import page as bench_page
from stridecast_bench import results, summary

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests need playwright: pip install playwright"
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium is installed: apt-get install chromium"
)
OPTIONS = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
RUN = make_run(levels=("L1", "memory"))
ROWS = sum(len(cell.peers) + len(cell.left_out) or 1 for cell in RUN.cells)


@pytest.fixture(scope="module")
def browser():
    # Chromium's sandbox refuses to start as root.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=BROWSER, args=arguments)
        yield running
        running.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    bench_page.write_page(RUN, path)
    return path.as_uri()


@pytest.fixture(scope="module")
def usual(browser):
    """The context of tests that ask for nothing else."""
    return browser.new_context(**OPTIONS)


@pytest.fixture
def visit(browser, usual, address):
    """Opens the page (or another) in a tab; fails on messages of the console and on requests."""
    opened, complaints = [], []

    def asked(request):
        if not request.url.startswith(("file:", "data:")):
            complaints.append(f"asked for {request.url}")

    def visit(fragment="", url=address, **options):
        context = browser.new_context(**OPTIONS | options) if options else usual
        tab = context.new_page()
        opened.append(context if options else tab)
        tab.set_default_timeout(15_000)
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", asked)
        tab.goto(url + fragment)
        return tab

    yield visit
    for one in opened:
        one.close()
    assert complaints == []


def column(tab, name):
    """The texts of a column of the table of all cells, as far as they are shown."""
    heads = tab.locator("#rows thead th").evaluate_all("all => all.map(h => h.dataset.name)")
    return tab.locator(f"#rows tbody tr > :nth-child({heads.index(name) + 1})").all_inner_texts()


def shown(tab):
    """How many rows the filters leave, as the page says."""
    return int(re.match(r"[\d,]+", tab.inner_text("#row-count"))[0].replace(",", ""))


def choices(tab):
    """What the address says."""
    fields = parse_qs(urlparse(tab.url).fragment, strict_parsing=True)
    return {name: values[0] for name, values in fields.items()}


def focused(tab, attribute):
    return tab.evaluate(f"document.activeElement.getAttribute('{attribute}')")


def comparisons(run=RUN):
    return [(cell, name, one) for cell in run.cells for name, one in cell.peers.items()]


def test_every_section_is_filled(visit):
    tab = visit()
    assert "Example CPU 9000" in tab.inner_text("#subtitle")
    facts = tab.inner_text("#facts")
    for text in ("numpy", "2.4.0", "tensorstore", "No module named", RUN.command, "median"):
        assert text in facts
    assert tab.locator("#summary-table tbody tr").count() == len(summary.lines(RUN))
    assert tab.locator("#map tbody td").count() == 13 * 13
    assert tab.locator("#roof-plot .roof").count() == 3
    assert tab.locator("#scale-plot .curve").count() >= 4
    assert tab.locator("#rows tbody tr").count() == 100
    assert shown(tab) == ROWS


def test_filters_leave_the_rows_they_name_and_make_a_link(visit):
    tab = visit()
    tab.select_option("#filter-family", "byteswap")
    tab.select_option("#filter-peer", "numpy")
    tab.select_option("#filter-verdict", "slower")
    tab.select_option("#filter-dtype", "float32")
    expected = [
        cell.case
        for cell, peer, one in comparisons()
        if (cell.family, peer, one.verdict) == ("byteswap", "numpy", "slower")
        and "float32" in (cell.source, cell.destination)
    ]
    assert expected and shown(tab) == len(expected)
    assert sorted(column(tab, "case")) == sorted(expected)
    wanted = {"family": "byteswap", "peer": "numpy", "verdict": "slower", "dtype": "float32"}
    assert choices(tab) == wanted
    other = visit("#" + urlparse(tab.url).fragment)
    assert sorted(column(other, "case")) == sorted(expected)
    assert other.input_value("#filter-verdict") == "slower"
    other.click("#filter-reset")
    assert shown(other) == ROWS
    assert urlparse(other.url).fragment == ""


def test_words_are_searched_together(visit):
    tab = visit()
    tab.fill("#filter-q", "LONG swapped")
    playwright.expect(tab.locator("#row-count")).to_have_text(re.compile("^1 of"))
    assert column(tab, "verdict") == ["not done"]
    assert column(tab, "reason") == ["no conversion of swapped long doubles"]
    tab.fill("#filter-q", "nothing has this name")
    playwright.expect(tab.locator("#row-count")).to_have_text(re.compile("^0 of"))


def test_columns_sort_by_click_and_by_key(visit):
    tab = visit("#family=byteswap&peer=numpy")
    head = tab.locator('#rows th[data-name="theirs"]')
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert tab.locator("#rows [aria-sort]").count() == 1
    chosen = [
        (one.peer.least, cell.case)
        for cell, peer, one in comparisons()
        if (cell.family, peer) == ("byteswap", "numpy")
    ]
    assert column(tab, "case") == [case for _, case in sorted(chosen)][:100]
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(tab, "case")[0] == max(chosen)[1]
    tab.locator('#rows th[data-name="case"] button').press("Space")
    assert column(tab, "case") == sorted(case for _, case in chosen)[:100]


def test_ties_and_noise_are_words_and_noise_comes_last(visit):
    for verdict in (results.TIE, results.NOISY):
        assert set(column(visit(f"#verdict={verdict}"), "ratio")) == {verdict}
    for order in ("ascending", "descending"):
        tab = visit(f"#family=byteswap&peer=numpy&order={order}")
        ratios = column(tab, "ratio")
        tab.click("#page-on")
        ratios += column(tab, "ratio")
        noisy = ratios.count(results.NOISY)
        assert 0 < noisy < len(ratios) and set(ratios[-noisy:]) == {results.NOISY}


def test_pages_of_a_hundred_rows_turn(visit):
    tab = visit("#family=byteswap&peer=numpy&sort=case")
    first = column(tab, "case")
    assert tab.is_disabled("#page-back")
    tab.click("#page-on")
    second = column(tab, "case")
    assert len(first) == 100 and len(second) == 69 and not set(first) & set(second)
    assert tab.is_disabled("#page-on") and focused(tab, "id") == "page-back"
    tab.keyboard.press("Enter")
    assert column(tab, "case") == first


def map_ratio(tab, source, destination):
    return tab.locator(f'#map td[aria-label^="{source} to {destination}:"]')


def test_the_heat_map_follows_peer_family_and_level(visit):
    tab = visit()
    by_case = {cell.case: cell for cell in RUN.cells}
    for family, level, peer in (("cast", "memory", "torch"), ("byteswap", "L2", "c++")):
        tab.select_option("#map-family", family)
        if family == "cast":
            tab.select_option("#map-level", level)
        tab.select_option("#map-peer", peer)
        for source, destination in (("int8", "float32"), ("float32", "float64")):
            one = by_case[f"{family}/{level}/{source}/{destination}"].peers[peer]
            said = map_ratio(tab, source, destination).get_attribute("aria-label")
            words = {"tie": f"tie with {peer}", "noisy": f"beside {peer} too noisy for a ratio"}
            figure = f"ratio {one.ratio:.2f} to {peer}, {one.verdict}"
            assert said.endswith(words.get(one.verdict, figure))
    assert choices(tab)["mappeer"] == "c++"
    tab.select_option("#map-family", "cast")
    tab.select_option("#map-peer", "torch")
    assert "torch left out: has no uint16" in map_ratio(tab, "uint16", "int8").get_attribute(
        "aria-label"
    )


def test_the_best_peer_of_a_map_is_the_one_with_the_least_ratio(visit):
    tab = visit("#mapfamily=byteswap")
    for cell in RUN.cells:
        if cell.family == "byteswap" and cell.best_peer and cell.source == "int16":
            name, one = cell.best_peer
            said = map_ratio(tab, cell.source, cell.destination).get_attribute("aria-label")
            assert name in said and one.verdict in said


def test_a_map_is_one_tab_stop_with_arrow_keys(visit):
    tab = visit()
    assert tab.locator('#map td[tabindex="0"]').count() == 1
    tab.focus("#map-peer")
    tab.keyboard.press("Tab")
    while focused(tab, "role") != "gridcell":  # boxes that scroll may be stops too
        tab.keyboard.press("Tab")
    seen = []
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowUp", "End", "Home", "ArrowLeft"):
        tab.keyboard.press(key)
        seen.append(focused(tab, "aria-label").partition(":")[0])
    assert seen == [
        "bool to int8",
        "int8 to int8",
        "uint8 to int8",
        "int8 to int8",
        "int8 to float64",
        "int8 to bool",
        "int8 to bool",
    ]
    assert tab.locator('#map td[tabindex="0"]').count() == 1
    detail = tab.inner_text("#map-detail")
    assert "cast/L1/int8/bool" in detail and "stridecast bench --cases" in detail
    outline = tab.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"


def test_details_show_on_hover_and_stay_on_click(visit):
    tab = visit()
    map_ratio(tab, "int8", "int32").click()
    map_ratio(tab, "float32", "float64").hover()
    assert "cast/L1/float32/float64" in tab.inner_text("#map-detail")
    tab.mouse.move(5, 5)
    assert "cast/L1/int8/int32" in tab.inner_text("#map-detail")
    tab.select_option("#map-level", "memory")
    assert "cast/memory/int8/int32" in tab.inner_text("#map-detail")


def test_commands_are_copied(visit):
    tab = visit("#q=byteswap/L2/int8/int16", permissions=["clipboard-read", "clipboard-write"])
    tab.locator("#rows .command").first.click()
    command = "stridecast bench --cases 'byteswap/L2/int8/int16'"
    playwright.expect(tab.locator("#said")).to_have_text(f"copied: {command}")
    assert tab.evaluate("navigator.clipboard.readText()") == command


def test_a_roofline_shows_its_level_and_moves_by_keys(visit):
    tab = visit()
    for level, threads in (("L2", 1), ("memory", 4)):
        tab.select_option("#roof-at", f'["{level}",{threads}]')
        cells = [c for c in RUN.cells if (c.level, c.threads) == (level, threads) and c.limit]
        marks = tab.locator("#roof-plot [role=button]")
        assert marks.count() == len(cells)
        assert tab.locator('#roof-plot [tabindex="0"]').count() == 1
    first = min(cells, key=lambda c: (c.limit.bus_bytes / c.items, c.items / c.ours.least))
    last = max(cells, key=lambda c: (c.limit.bus_bytes / c.items, c.items / c.ours.least))
    marks.first.focus()
    assert first.case in tab.inner_text("#roof-detail")
    tab.keyboard.press("End")
    assert last.case in tab.inner_text("#roof-detail")


def test_families_of_a_roofline_can_be_hidden(visit):
    tab = visit("#roof=" + '["memory",1]')
    marks = tab.locator("#roof-plot [role=button]")
    before = marks.count()
    button = tab.locator('#roof-families button[data-family="cast"]')
    button.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"
    assert focused(tab, "data-family") == "cast"
    assert marks.count() == before - 169


def test_scaling_is_the_time_on_one_thread_over_that_on_several(visit):
    tab = visit()
    one, two, four = [cell for cell in RUN.cells if cell.case == "threads/int16-float32"]
    value = tab.locator("#scale-case option", has_text=one.case).get_attribute("value")
    tab.select_option("#scale-case", value)
    row = tab.locator("#scale-table tr", has_text="stridecast").locator("td").all_inner_texts()
    gains = [one.ours.least / cell.ours.least for cell in (one, two, four)]
    assert [text[:-1] for text in row] == [f"{gain:.2f}" for gain in gains]


def test_the_summary_leads_to_rows(visit):
    tab = visit("#verdict=slower")
    tab.locator("#summary-table a", has_text="Casts on several threads").click()
    assert choices(tab) == {"at": "cells", "family": "threads"}
    cells = [cell for cell in RUN.cells if cell.family == "threads"]
    assert shown(tab) == sum(len(cell.peers) + len(cell.left_out) for cell in cells)


def background(tab):
    return tab.evaluate("getComputedStyle(document.body).backgroundColor")


def test_light_and_dark_follow_the_system_and_the_choice(visit):
    light, dark = (visit(color_scheme=scheme) for scheme in ("light", "dark"))
    colours = background(light), background(dark)
    assert colours[0] != colours[1]
    light.select_option("#theme", "dark")
    assert background(light) == colours[1]
    light.reload()
    assert background(light) == colours[1]
    dark.select_option("#theme", "light")
    assert background(dark) == colours[0]


# The contrast that WCAG asks for small text; text over the hatch of noisy cells has no one colour.
CONTRAST = """() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const parts = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const behind = (node) => {
    const colour = getComputedStyle(node).backgroundColor;
    const through = colour === "rgba(0, 0, 0, 0)" && node.parentElement;
    return through ? behind(node.parentElement) : colour;
  };
  const own = (node) => [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
  const poor = [];
  for (const node of document.querySelectorAll("body *:not(script):not(option):not(:disabled)")) {
    if (!own(node) || node.closest("svg, .noisy") || !node.getClientRects().length) continue;
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort((x, y) => x - y);
    if ((b + 0.05) / (a + 0.05) < 4.5) poor.push(`${node.outerHTML.slice(0, 90)}`);
  }
  return [...new Set(poor)].slice(0, 5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(visit, scheme):
    tab = visit("#mapfamily=cast&mappeer=c%2B%2B", color_scheme=scheme)
    tab.locator("#map td").nth(4).focus()
    assert tab.evaluate(CONTRAST) == []


def test_a_phone_scrolls_boxes_and_not_the_page(visit):
    tab = visit(viewport={"width": 360, "height": 740})
    tab.locator("#map td").nth(12).focus()
    tab.locator("#roof-plot [role=button]").first.focus()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    for box in ("#map", "#rows"):
        wide = tab.locator(box).evaluate("t => t.parentNode.scrollWidth > t.parentNode.clientWidth")
        assert wide, f"{box} is not wide enough to tell"
    assert tab.locator("#roof-plot svg").bounding_box()["width"] <= 360


UNNAMED = """() =>
  [...document.querySelectorAll("button, select, input, a, summary, [tabindex='0']")]
    .filter((node) => !(node.labels?.length || node.getAttribute("aria-label") ||
                        node.getAttribute("aria-labelledby") || node.innerText?.trim()))
    .map((node) => node.outerHTML.slice(0, 80))"""


def test_every_control_has_a_name(visit):
    assert visit().evaluate(UNNAMED) == []


def test_texts_of_a_run_are_shown_and_not_run(visit, tmp_path):
    hostile = '</script><script>document.title="run"</script><img src=x onerror=alert(1)>'
    run = make_run(levels=["L1"])
    run.command = run.machine["cpu"] = hostile
    run.absent[hostile] = hostile
    run.families["cast"] = hostile
    run.cells[0].case = hostile
    run.cells[0].left_out["torch"] = hostile
    path = tmp_path / "hostile.html"
    bench_page.write_page(run, path)
    tab = visit("#sort=reason&order=descending", url=path.as_uri())
    tab.locator("#map td").first.focus()
    assert hostile in tab.inner_text("#subtitle") and hostile in tab.inner_text("#map-detail")
    assert tab.locator("img").count() == 0 and tab.title() != "run"


def test_a_run_of_nothing_has_a_page(visit, tmp_path):
    path = tmp_path / "empty.html"
    empty = results.Run("stridecast bench", "2026-03-04T05:06:07+00:00", {}, {}, {})
    bench_page.write_page(empty, path)
    tab = visit(url=path.as_uri())
    assert shown(tab) == 0
    assert not tab.is_visible("#maps") and not tab.is_visible("#scaling")


def test_of_many_rows_a_hundred_are_drawn(visit, tmp_path):
    path = tmp_path / "large.html"
    bench_page.write_page(make_run(families=[f"more{i}" for i in range(7)]), path)
    tab = visit(url=path.as_uri())
    assert shown(tab) > 20_000
    assert tab.locator("#rows tbody tr").count() == 100
    tab.select_option("#filter-family", "more3")
    assert tab.locator("#rows tbody tr").count() == 100
    assert set(column(tab, "family")) == {"More3"}
