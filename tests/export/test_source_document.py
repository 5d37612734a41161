"""docs/source.md shows what the command writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.test_documents import blocks, shell

DOCUMENT = "docs/source.md"


def test_the_examples_are_as_printed(tmp_path: Path) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    shell(blocks(DOCUMENT, "")[1].strip(), tmp_path)
    written, code, layer = blocks(DOCUMENT, "python")
    shell("$ t7convert convert fixtures/nets/sharesnet-bottleneck/model.t7.xz net.py", tmp_path)

    assert (tmp_path / "tied.py").read_text() == written
    assert layer in (tmp_path / "net.py").read_text()
    program = code + "print(network)\nassert not network.training\n"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert "PermutedView" in done.stdout


def test_the_limit_is_that_of_the_code() -> None:
    from t7convert.export.source.modules import MOST_ELEMENTS  # noqa: PLC0415

    assert f"more than {MOST_ELEMENTS:,} elements" in (ROOT / DOCUMENT).read_text()
