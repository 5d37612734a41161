"""docs/migration.md: every block under "after" runs as printed."""

from __future__ import annotations

import lzma
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import t7convert
from t7convert.lua.flat_order import flat_order
from t7convert.lua.tree import build
from tests.build import table, tensor
from tests.conftest import FIXTURES, ROOT

DOCUMENT = (ROOT / "docs/migration.md").read_text()
#: What the Python blocks of each section print.
PRINTED = {
    "Generators of CycleGAN and pix2pix": ["(2, 3, 16, 16)"],
    "Text embeddings of StackGAN": ["(3, 4) a red bird"],
    "OpenFace": ["[1.0, 1.0]"],
    "Checkpoints with a model and options": [
        "['model', 'mean', 'std', 'epoch', 'opt'] 90",
        "(3, 3)",
    ],
    "fb.resnet.torch": ["(2, 64)", "0.001 True"],
    "load_lua": ["SpatialConvolution (8, 3, 7, 7)", "True", "(2, 64) (2, 8, 16, 16)"],
    "convert_torch_to_pytorch": ["(1, 10)"],
    "OpenCV": ["(1, 10)"],
    "Many files": [],
}


def sections() -> dict[str, list[tuple[str, str]]]:
    """Return the (language, text) of the blocks of each section."""
    found = {}
    for part in re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)[1:]:
        title = part.splitlines()[0]
        found[title] = re.findall(r"^```(\w*)\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the files that the document names, small."""
    for name, fixture in (
        ("latest_net_G", "nngraph-unet"),
        ("nn4.small2.v1", "inception"),
        ("model", "checkpoint-table"),
        ("resnet-18", "resnet-basic"),
        ("model_90", "resnet-basic"),
        ("models/deep/a", "inception"),
    ):
        target = tmp_path / f"{name}.t7"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(lzma.decompress((FIXTURES / f"nets/{fixture}/model.t7.xz").read_bytes()))
    texts = table("a red bird", "a blue bird", "an owl")
    rows = table(*(tensor(np.full((1, 4), i), "Float") for i in range(3)))
    t7convert.save(table(fea_txt=rows, raw_txt=texts), tmp_path / "captions.t7")
    size = flat_order(build(t7convert.load(tmp_path / "model_90.t7"))).size
    state = table(learningRate=0.001, momentum=0.9, nesterov=True, dampening=0.0)
    state["dfdx"] = tensor(np.zeros(size), "Float")
    t7convert.save(state, tmp_path / "optimState_90.t7")
    return tmp_path


@pytest.mark.parametrize("title", list(PRINTED))
def test_the_blocks_run_as_printed(title: str, folder: Path) -> None:
    if title == "OpenCV":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnx")
    printed = []
    for language, text in sections()[title]:
        if language == "shell":
            words = text.split()
            assert words[0] == "t7convert"
            command = [sys.executable, "-m", *words]
        elif language == "python":
            command = [sys.executable, "-W", "error::UserWarning", "-c", text]
        else:
            continue
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        printed += done.stdout.splitlines() if language == "python" else []

    assert printed == PRINTED[title]


def test_every_section_is_run_and_linked() -> None:
    assert list(sections()) == list(PRINTED)
    anchors = re.findall(r"\(#([^)]+)\)", DOCUMENT)
    titles = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in PRINTED]
    assert anchors == titles
