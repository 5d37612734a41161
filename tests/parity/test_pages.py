"""The web pages, in a real browser without a screen."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import t7convert
from t7convert.api import to_converted
from t7convert.cli import main
from t7convert.page.parity import parity_page
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
    from t7convert.page.inspection import inspection_page  # noqa: PLC0415  torch-free on its own

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
    assert content.count("<circle") == passed.compared


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
    assert (first.output, second.output) == ("", "")
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
