"""The web pages, in a real browser without a screen."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import t7convert
from t7convert.api import to_converted
from t7convert.cli import main
from t7convert.lua.summary import ModuleRow, NodeRow
from t7convert.page.inspection import inspection_page
from t7convert.page.network import network
from t7convert.page.parity import parity_page
from t7convert.page.wiring import Wired, lanes_of, wired
from t7convert.parity.check import Options, check_network
from t7convert.parity.report import ParityReport
from tests.conftest import FIXTURES

BASIC = next((FIXTURES / "nets/sharesnet-basic").glob("model.t7*"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def passed() -> ParityReport:
    return t7convert.verify(BASIC)


@pytest.fixture(scope="module")
def failed() -> ParityReport:
    converted = to_converted(BASIC)
    with torch.no_grad():
        next(iter(converted.network.parameters())).mul_(1.01)
    return check_network(converted.tree, converted, Options())


def rendered(page: str, folder: Path, width: int) -> str:
    """Return the page's content after its script ran, in a window of this width."""
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    file = folder / "page.html"
    probe = (
        "<script>document.title = [document.documentElement.scrollWidth, innerWidth, "
        "document.querySelectorAll('tr:not([hidden])').length].join(' ')</script>"
    )
    file.write_text(page.replace("</body>", probe + "</body>"))
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={width},900"]
    done = subprocess.run(
        [CHROMIUM, *options, f"--user-data-dir={folder}/profile", "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={**os.environ, "HOME": str(folder)},
    )
    return done.stdout


class Outside(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            f"{tag} {name}={value}"
            for name, value in attrs
            if name in ("src", "href", "srcset", "data", "action")
            and not (value or "").startswith("#")
        ]


def test_pages_fetch_nothing(passed: ParityReport) -> None:
    for page in (parity_page(passed), inspection_page(t7convert.inspect(BASIC))):
        outside = Outside()
        outside.feed(page)

        assert outside.found == []
        assert "default-src 'none'" in page
        assert not re.search(r"@import|url\(", page)


@pytest.mark.parametrize("width", [1200, 500])
def test_a_browser_shows_the_report_without_sideways_scrolling(
    passed: ParityReport, tmp_path: Path, width: int
) -> None:
    content = rendered(parity_page(passed), tmp_path, width)
    title = re.search(r"<title>(\d+) (\d+) (\d+)</title>", content)

    assert title is not None
    assert int(title[1]) <= int(title[2])  # no wider than the window
    assert int(title[3]) > len(passed.rows)
    assert f"{len(passed.rows)} of {len(passed.rows)} rows" in content  # the script ran
    assert content.count('<path class="dot') == passed.compared


def narrow(page: str, folder: Path, probe: str) -> str:
    """Return what ``probe`` (an expression) tells of the page on a phone, 375 pixels wide."""
    (folder / "inner.html").write_text(page)
    return rendered(
        '<body style="margin:0"><iframe id="i" style="border:0" width="375" height="800" srcdoc="'
        + page.replace("&", "&amp;").replace('"', "&quot;")
        + '"></iframe><script>i.onload = () => { const page = i.contentDocument;'
        f"document.body.dataset.told = {probe} }}</script></body>",
        folder,
        500,
    )


def test_a_phone_shows_the_whole_chart(passed: ParityReport, tmp_path: Path) -> None:
    sizes = (
        "page.documentElement.scrollWidth + ' ' + Math.max(...[...page.querySelectorAll("
        "'.chart svg, .chart .bound, .card')].map(e => e.getBoundingClientRect().right))"
    )
    told = re.search(r'data-told="(\d+) ([\d.]+)"', narrow(parity_page(passed), tmp_path, sizes))

    assert told is not None
    assert int(told[1]) <= 375
    assert 300 < float(told[2]) <= 375


def test_buttons_show_ties_and_open_boxes(passed: ParityReport, tmp_path: Path) -> None:
    ties = max(t.tie or 0 for row in passed.graph for t in row.tensors)
    probe = (
        "(() => { const at = s => [...page.querySelectorAll(s)];"
        "at('[data-all=\"0\"]')[0].click();"
        "const closed = at('#network details[open] details[open]').length;"
        "at('button.tie')[0].click();"
        "const seen = at('.hot').filter(e => e.offsetParent).length;"
        "at('[data-all=\"1\"]')[0].click();"
        "const shut = at('#network details:not([open])').length;"
        "at('button.tie')[2].focus(); page.activeElement.click();"
        "return [closed, seen, shut, at('.hot').length] })()"
    )
    told = re.search(
        r'data-told="(\d+),(\d+),(\d+),(\d+)"', narrow(parity_page(passed), tmp_path, probe)
    )

    assert ties == 4
    assert told is not None
    assert [int(n) for n in told.groups()] == [0, 2, 0, 2]


def wires(rows: list[Wired]) -> set[tuple[int, int]]:
    """Follow the lanes of the drawing and return the edges that a reader sees."""
    holder: dict[int, int] = {}
    edges = set()
    for row in rows:
        assert row.through.isdisjoint(row.ending)
        assert row.through <= holder.keys()
        for lane in row.taken:
            edges.add((holder[lane], row.number))
        for lane in row.ending:
            del holder[lane]
        if row.lane is not None:
            assert row.lane not in holder
            holder[row.lane] = row.number
    assert not holder
    return edges


@pytest.mark.parametrize("name", ["nngraph-unet", "nngraph-lstm"])
def test_graphs_show_their_real_edges(name: str) -> None:
    model = next((FIXTURES / "nets" / name).glob("model.t7*"))
    (row, *_) = t7convert.inspect(model).networks[0].modules
    rows = wired(row.nodes)
    shown = {row.number for row in rows}

    def source(number: int) -> int:
        return number if number in shown else source(row.nodes[number - 1].inputs[0])

    expected = {(source(i), n) for n in shown for i in row.nodes[n - 1].inputs}
    assert wires(rows) == expected
    assert sum(bool(row.node.module) for row in rows) == sum(bool(n.module) for n in row.nodes)
    page = inspection_page(t7convert.inspect(model))
    assert page.count('class="wire"') == len(rows)
    assert {(int(a), int(b)) for b, a in links(page)} == expected


def links(page: str) -> Iterator[tuple[str, str]]:
    """Yield (node, a node that feeds it) as the page says it in words."""
    for part in page.split('<div class="wire" id="g1n')[1:]:
        number = part.partition('"')[0]
        for found in re.finditer(r'<a href="#g1n(\d+)">', part):
            yield number, found[1]


@given(st.data())
def test_lanes_of_any_graph(data: st.DataObject) -> None:
    nodes = [NodeRow("input", "", [])]
    for number in range(1, data.draw(st.integers(1, 25))):
        inputs = data.draw(st.lists(st.integers(1, number), min_size=1, max_size=3))
        module = data.draw(st.sampled_from(["", f"modules[{number}]"]))
        nodes.append(NodeRow(f"n{number}", module, inputs))
    rows = wired(nodes)
    shown = {row.number for row in rows}

    def source(number: int) -> int:
        return number if number in shown else source(nodes[number - 1].inputs[0])

    assert wires(rows) == {(source(i), n) for n in shown for i in nodes[n - 1].inputs}
    assert all(lane < lanes_of(rows) for row in rows for lane in row.taken)


def test_steps_branches_and_large_networks(passed: ParityReport) -> None:
    page = network(passed.graph)
    large = network(
        [*passed.graph, *[ModuleRow(f"x[{n}]", "nn.Tanh", 1, True, "") for n in range(99)]]
    )

    assert page.count('<div class="in side">') == 8  # a ConcatTable per block
    assert page.count('<div class="in seq">') > 8
    assert page.count("<details") == page.count(" open>")
    assert 1 < large.count(" open>") < page.count(" open>") / 2
    assert "each gets the input; their outputs are a list" in page


def test_what_could_not_be_compared_is_on_the_page() -> None:
    report = ParityReport("a", "", "", "cpu", "float32", 0, {}, (), (), ("gradients: none",))

    assert "<li>gradients: none</li>" in parity_page(report)


def test_a_failing_report_names_and_marks_the_module(failed: ParityReport) -> None:
    page = parity_page(failed)

    assert not failed.ok
    assert failed.first is not None
    assert "FAIL" in page
    assert f"First module that diverges: output {failed.first.path}" in page
    assert 'class="dot bad"' in page
    assert 'class="leaf bad"' in page


def test_strings_of_a_file_can_do_nothing() -> None:
    evil = "<script>alert(1)</script>"
    report = ParityReport(evil, evil, evil, evil, "float32", 0, {evil: evil}, (), ())

    assert "<script>alert" not in parity_page(report)


def test_commands_write_the_files(tmp_path: Path) -> None:
    names = ["r.html", "r.xml", "i.html"]
    html, xml, seen = (str(tmp_path / name) for name in names)
    run = CliRunner()
    first = run.invoke(main, ["verify", str(BASIC), "--html", html, "--junit", xml, "-q"])
    second = run.invoke(main, ["inspect", str(BASIC), "--html", seen])

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.output == ""
    assert second.output.startswith("wrote ")
    assert "tie 1" in Path(seen).read_text()
    assert 'failures="0"' in Path(xml).read_text()
    assert "Parity of" in Path(html).read_text()


def test_diff_of_files(tmp_path: Path) -> None:
    out = tmp_path / "out.pt"
    t7convert.convert(BASIC, out, verify=False)
    state = torch.load(out, weights_only=True)
    key = next(key for key in state["state_dict"] if key.endswith("bias"))
    state["state_dict"][key] = state["state_dict"][key].clone()
    state["state_dict"][key][0] += 1e-6
    torch.save(state, tmp_path / "changed.pt")
    other = next((FIXTURES / "nets/resnet-basic").glob("model.t7*"))
    run = CliRunner()

    def diff(a: Path, b: Path) -> tuple[int, str]:
        result = run.invoke(main, ["diff", str(a), str(b)])
        return result.exit_code, result.output

    assert diff(BASIC, BASIC)[0] == 0
    assert diff(BASIC, out) == (0, "the same: structure, ties and all 122 tensors\n")
    code, text = diff(out, tmp_path / "changed.pt")
    assert code == 1
    assert text.startswith(f"numbers    {key}: 1 of ")
    code, text = diff(BASIC, other)
    assert code == 1
    assert "structure" in text or "ties" in text
