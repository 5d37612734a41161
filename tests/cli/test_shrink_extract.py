"""``shrink`` and ``extract``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import t7convert
from t7convert.format.objects import LuaTable
from t7convert.lua import find
from t7convert.lua.shrinking import shrink_graph
from tests.build import obj, tensor
from tests.cli.test_commands import run
from tests.conftest import FIXTURES

KEPT = str(FIXTURES / "nets/sharesnet-notcleared/model.t7.xz")


@pytest.mark.parametrize("gradients", [False, True])
def test_shrink_drops_buffers_and_keeps_the_network(gradients: bool, tmp_path: Path) -> None:
    small = tmp_path / "small.t7"
    result = run("shrink", KEPT, str(small), "--json", *(["--gradients"] if gradients else []))
    before, after = t7convert.inspect(KEPT).bytes, t7convert.inspect(small).bytes

    assert result.exit_code == 0
    assert json.loads(result.stdout)["after"] == small.stat().st_size
    assert (after.parameters, after.statistics) == (before.parameters, before.statistics)
    assert after.gradients == (0 if gradients else before.gradients)
    assert after.buffers < 2000 < before.buffers
    old, new = t7convert.to_module(KEPT), t7convert.to_module(small)
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(old(x), new(x))
    assert sum(p.numel() for p in new.parameters()) == sum(p.numel() for p in old.parameters())


def test_emptied_tensors_are_as_lua_leaves_them(tmp_path: Path) -> None:
    small = tmp_path / "small.t7"
    run("shrink", KEPT, str(small))
    output = t7convert.load(small)["modules"][1]["output"]

    assert output.typename == "torch.FloatTensor"
    assert (output.size, output.storage) == ((), None)


def test_shrink_refuses_to_write_onto_its_input(tmp_path: Path) -> None:
    source = tmp_path / "m.t7"
    t7convert.save(t7convert.load(KEPT), source)

    assert run("shrink", str(source), str(source), "--force").exit_code == 1


def test_extract_a_tensor_and_a_table(tmp_path: Path) -> None:
    source = str(FIXTURES / "nets/checkpoint-table/model.t7.xz")
    run("extract", source, str(tmp_path / "w.npy"), "--select", "model.modules[1].weight")
    run("extract", source, str(tmp_path / "opt.json"), "--select", "opt")
    expected = find.follow(t7convert.load(source), "model.modules[1].weight").numpy()

    np.testing.assert_array_equal(np.load(tmp_path / "w.npy"), expected)
    assert json.loads((tmp_path / "opt.json").read_text())["depth"] == 18


def test_extract_of_nothing_says_what_is_there(tmp_path: Path) -> None:
    source = str(FIXTURES / "nets/checkpoint-table/model.t7.xz")
    result = run("extract", source, str(tmp_path / "o.npy"), "--select", "modle")

    assert result.exit_code == 1
    assert "it has" in result.stderr


def test_what_lua_reads_before_it_makes_it_is_kept() -> None:
    """A loss buffer of one element, and a table of outputs that a constructor makes."""
    one, big = tensor(np.ones(1)), tensor(np.ones(9))
    loss = obj("nn.ClassNLLCriterion", 1, output_tensor=one, gradInput=big)
    pair = LuaTable({1: big, 2: big})
    both = obj("nn.CosineDistance", 1, output=big, gradInput=pair, buffer=big)
    shrink_graph(LuaTable({1: loss, 2: both}))

    assert loss["output_tensor"] is one
    assert loss["gradInput"].size == ()
    assert [item.size for item in both["gradInput"].list()] == [(), ()]
    assert both["gradInput"][1] is both["gradInput"][2] is both["output"]


def test_memory_of_recurrent_modules_is_kept() -> None:
    state = LuaTable({1: tensor(np.ones(4))})
    layer = obj("nn.Recursor", 1, step=2, outputs=state, gradInput=tensor(np.ones(4)))
    shrink_graph(layer)

    assert layer["outputs"] is state
    assert layer["gradInput"].size == ()


def test_weight_norm_keeps_the_gradient_that_loading_needs() -> None:
    layer = obj("nn.WeightNorm", 1, gradV=tensor(np.ones(4)), gradG=tensor(np.ones(2)))
    shrink_graph(layer, gradients=True)

    assert layer["gradV"].size == (4,)
    assert layer["gradG"].size == ()
