"""Converted networks compile without graph breaks and export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import t7convert
from t7convert.conversion.network import convert_object
from t7convert.inputs.values import to_arrays, to_tensors
from tests.build import obj, tensor
from tests.conftest import FIXTURES
from tests.golden import assert_close

FOLDERS = {path.name: path for kind in ("nets", "nets2") for path in (FIXTURES / kind).iterdir()}
NETS = sorted(FOLDERS)


def network(name: str) -> tuple[torch.nn.Module, Any, Any]:
    """Return a golden network, its input and its output."""
    folder = FOLDERS[name]
    model: Path = next(folder.glob("model.t7*"))
    io = to_arrays(t7convert.load(folder / "io.t7.xz"))
    return t7convert.to_module(model), to_tensors(io["input"]), io["output"]


@pytest.mark.parametrize("name", NETS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiles_without_graph_breaks(name: str) -> None:
    module, given, expected = network(name)
    torch.compiler.reset()
    compiled = torch.compile(module, fullgraph=True, backend="eager")

    with torch.no_grad():
        assert_close(name, compiled(given), expected, 1e-5)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_exports(name: str) -> None:
    module, given, expected = network(name)
    with torch.no_grad():
        program = torch.export.export(module, (given,))

        assert_close(name, program.module()(given), expected, 1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_an_added_vector_leaves_the_batch_free() -> None:
    """A batch as large as the vector is no case of its own: Add.lua compares whole shapes."""
    module = convert_object(obj("nn.Add", bias=tensor(np.arange(3.0)))).network
    batch = torch.export.Dim("batch")
    program = torch.export.export(
        module, (torch.zeros(2, 3).double(),), dynamic_shapes=[{0: batch}]
    )

    assert program.module()(torch.zeros(3, 3).double()).tolist() == [[0, 1, 2]] * 3
