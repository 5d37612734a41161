"""Inputs are drawn for recurrent layers, language models and graphs without being told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import t7convert
from t7convert.api import to_converted
from t7convert.format.objects import ArrayPayload, LuaStorage
from t7convert.inputs.drawing import draw
from t7convert.inputs.geometry import Leaf
from t7convert.inputs.geometry_packages import spec_of
from t7convert.lua.tree import build
from tests.build import linear, obj, sequential, table, tensor
from tests.graphs import Graph

CLASSES = """torchrnn.LSTM torchrnn.VanillaRNN torchrnn.LanguageModel torchrnn.TemporalAdapter
onmt.LSTM onmt.GRU onmt.GlobalAttention onmt.NoAttention onmt.Bridge onmt.WordEmbedding
onmt.FeaturesEmbedding onmt.PositionEmbedding onmt.Generator onmt.JoinReplicateTable
onmt.MaskedSoftmax onmt.VariationalDropout onmt.Encoder onmt.Decoder nt2.FeatExpander nt2.LSTM
nt2.LanguageModel"""


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden_modules_verify(shared: Path, name: str) -> None:
    path = shared / "golden" / "community" / f"{name}.t7"
    for number in (1, 3):
        report = t7convert.verify(path, select=f"cases[{number}].module")
        assert report.ok, report.failures


def test_unrolled_character_model_verifies(shared: Path) -> None:
    """Eleven inputs that lead to shared graphs, each through another slot."""
    report = t7convert.verify(shared / "zoo" / "Cadene+AS_Exam" / "model.t7")
    assert report.ok, report.failures


@pytest.mark.parametrize("fields", [{}, {"batchFirst": True}, {"rememberStates": True}])
@pytest.mark.parametrize("given", [False, True])
def test_cudnn_layers_verify(tmp_path: Path, fields: dict[str, Any], given: bool) -> None:
    draw = np.random.default_rng(2)
    size = 2 * 3 * (3 * 4 + 3 * 3 + 6)
    made = obj("cudnn.BGRU", inputSize=4, hiddenSize=3, numLayers=1, **fields)
    made.payload["weight"] = tensor(draw.normal(size=size), "Cuda")
    if given:
        made.payload["hiddenInput"] = tensor(draw.normal(size=(2, 5, 3)), "Cuda")
    path = tmp_path / "layer.t7"
    t7convert.save(made, path)
    report = t7convert.verify(path)
    assert report.ok, report.failures


def test_specs() -> None:
    recurrent = obj("cudnn.LSTM", inputSize=4, hiddenSize=3, numLayers=1)
    recurrent.payload["weight"] = tensor(np.zeros(4 * (3 * 4 + 3 * 3 + 6)))
    assert spec_of(build(recurrent)) == Leaf(("T", 3, 4), batched=False)
    assert spec_of(build(obj("onmt.Bridge", modules=table()))) == [Leaf((5,)), Leaf((5,))]


def test_a_states_size_is_that_of_the_cells(shared: Path) -> None:
    """A cell meets products only, which take anything: the gates' slices tell its size."""
    cases = t7convert.load(shared / "golden" / "community" / "onmt.LSTM.t7")["cases"].list()
    specs = spec_of(build(cases[0]["module"])) or []
    shapes = [tensor.size[1:] for tensor in cases[0]["input"].list()]
    assert [leaf.dims for leaf in specs] == shapes


def test_a_table_that_a_graph_takes_apart_tells_the_steps() -> None:
    """nngraph's split refuses entries that nothing uses; Lua's SplitTable goes back with all."""
    graph = Graph()
    both = graph.split(graph.input(), 2)
    ends = []
    for entry, steps in zip(both, (3, 2), strict=True):
        words = graph.node(obj("nn.LookupTable", weight=tensor(np.ones((5, 4)))), entry)
        pieces = graph.split(graph.node(obj("nn.SplitTable", dimension=2), words), steps)
        ends.append(graph.node(obj("nn.CAddTable"), *pieces))
    tree = build(graph.finish(*ends, inputs=2))

    assert spec_of(tree) == [Leaf((3,), high=5), Leaf((2,), high=5)]


def test_a_size_serves_batches_of_any_size() -> None:
    """Reshape takes a batch of two halves for one sample: Reshape.lua compares whole sizes."""
    weight = tensor(np.ones((3, 16)))
    pool = obj("nn.TemporalMaxPooling", kW=2, dW=2)
    first = obj(
        "nn.TemporalConvolution",
        **{"inputFrameSize": 2, "outputFrameSize": 4, "kW": 3, "dW": 1},
        weight=tensor(np.ones((4, 6))),
        bias=tensor(np.zeros(4)),
    )
    size = LuaStorage("torch.LongStorage", 1, ArrayPayload(np.array([16])))
    flat = obj("nn.Reshape", size=size, nelement=16)
    last = obj("nn.Linear", weight=weight, bias=tensor(np.zeros(3)))
    converted = to_converted(sequential(first, pool, flat, last))
    trials = draw(converted.tree, converted.network, 0)

    assert [trial.value.shape for trial in trials] == [(2, 10, 2), (1, 10, 2), (10, 2)]


def test_specs_of_what_is_cut_or_has_more_dimensions() -> None:
    row = linear(3, 2)
    bottle = obj("nn.Bottle", modules=table(row), nInputDim=2, nOutputDim=2, dimDelta=0)
    assert spec_of(build(bottle)) == Leaf((3, 3))
    mapped = obj("nn.MapTable", module=row, modules=table(row))
    cut = obj("nn.SplitTable", dimension=2)
    assert spec_of(build(sequential(cut, mapped))) == Leaf((2, 3))
    cut = obj("nn.SplitTable", dimension=1, nInputDims=2)
    assert spec_of(build(sequential(cut, mapped))) == Leaf((2, 3))
    cut = obj("nn.SplitTable", dimension=1)  # time steps, not a batch
    assert spec_of(build(sequential(cut, mapped))) == Leaf((3,))


def test_a_recurrence_of_words_takes_one_for_each_sample() -> None:
    words = obj("nn.LookupTable", weight=tensor(np.ones((5, 4))))
    rest = (obj("nn.Identity"), linear(4, 4), obj("nn.Sigmoid"))
    step = obj("nn.Recurrent", modules=table(obj("nn.Identity"), words, *rest))

    assert spec_of(build(obj("nn.Sequencer", modules=table(step)))) == Leaf(
        ("T", 3), high=5, batched=False
    )
