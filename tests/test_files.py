"""Outputs: whole or not at all, never onto what they must not replace."""

from __future__ import annotations

import os
import resource
import threading
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import t7convert
from t7convert.cli import main
from t7convert.errors import OutputError
from t7convert.files import check_output, replacing
from tests.build import linear


def test_a_device_is_not_replaced() -> None:
    with pytest.raises(OutputError, match="device or a pipe"):
        check_output(Path(os.devnull), force=True)


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "out", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    with replacing(link, force=True) as beside:
        beside.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert [path.name for path in real.parent.iterdir()] == ["out"]


def test_a_long_name(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 251 + ".t7")
    with replacing(target) as beside:
        beside.write_text("x")
    assert target.read_text() == "x"


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    source, out = tmp_path / "m.t7", tmp_path / "out.pt"
    t7convert.save(linear(400, 400), source)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        result = CliRunner().invoke(main, ["to-pytorch", str(source), str(out)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert result.exit_code == 1
    assert "is the disk full?" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["m.t7"]


def test_a_model_from_a_pipe(tmp_path: Path) -> None:
    source, pipe, out = tmp_path / "m.t7", tmp_path / "pipe", tmp_path / "out.pt"
    t7convert.save(linear(3, 2), source)
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(source.read_bytes()), daemon=True)
    writer.start()
    t7convert.convert(pipe, out)
    writer.join()
    provenance = torch.load(out, weights_only=True)["provenance"]
    assert (provenance["source"], "sha256" in provenance) == ("pipe", False)


def test_errors_of_the_system_name_the_file(tmp_path: Path) -> None:
    args = ["to-pytorch", str(tmp_path), str(tmp_path / "out.pt")]
    result = CliRunner().invoke(main, args, prog_name="t7convert")
    assert result.output.startswith(f"t7convert to-pytorch: {tmp_path}: is a folder, not a file")
    assert result.exit_code == 2
