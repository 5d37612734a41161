"""OpenNMT's modules against Torch7 and against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.errors import ConversionError
from t7convert.format.objects import LuaTable
from t7convert.lua.tree import build
from t7convert.nn.memory import forget
from t7convert.reference import Executor
from tests import golden
from tests.build import linear, obj, sequential, table, tensor
from tests.layers.criterion_compare import compare_criterion
from tests.layers.rnn_compare import check_golden, compare, lua, network, normal

CLASSES = """LSTM GRU NoAttention Bridge WordEmbedding FeaturesEmbedding PositionEmbedding Generator
JoinReplicateTable MaskedSoftmax VariationalDropout Encoder Decoder ParallelClassNLLCriterion"""


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(shared: Path, name: str) -> None:
    check_golden(shared, f"onmt.{name}")


def test_golden_attention(shared: Path) -> None:
    """A bias that is the same for all scores has no gradient but rounding: judge it beside others.

    In mode concat the third gradient is that of the bias in front of the softmax.
    """
    for label, case in golden.cases(shared / "golden" / "community" / "onmt.GlobalAttention.t7"):
        if "concat" not in label:
            golden.check_module(label, case)
            golden.check_reference(label, case)
            continue
        rest = LuaTable({key: value for key, value in case.items() if key != "gradParams"})
        golden.check_module(label, rest)
        golden.check_reference(label, rest)
        expected = golden.arrays(case["gradParams"])
        tree, executor = build(case["module"]), Executor()
        call = executor.call(tree, golden.arrays(case["input"]))
        call.backward(golden.arrays(case["gradOutput"]))
        places = golden.lua_parameters(tree)
        found = [executor.gradients[id(module), name] for module, name in places]
        made = convert_tree(build(case["module"]))
        given = golden.tensors(golden.arrays(case["input"]))
        made.network(given).backward(golden.tensors(golden.arrays(case["gradOutput"])))
        scale = max(np.abs(gradient).max() for gradient in expected)
        for rows in (found, golden._bound_gradients(made)):
            for number, (a, b) in enumerate(zip(rows, expected, strict=True)):
                own = scale if number == 2 else np.abs(b).max()
                limit = 1e-14 if number == 2 else golden.GRADIENT_RTOL
                assert np.abs(a - b).max() <= limit * own, f"{label} #{number}"


def embedding(**fields: Any) -> Any:
    net = obj("nn.LookupTable", weight=lua(6, 4), paddingValue=1)
    return obj("onmt.WordEmbedding", net=net, modules=table(net), **fields)


@pytest.mark.parametrize(
    ("fields", "fixed"),
    [
        ({}, 0),
        ({"fix": False}, 0),
        ({"fix": True}, 4),
        ({"fix": "pretrained"}, 4),
        ({"fix": "pretrained", "preTrainedVecSize": 4}, 4),
        ({"fix": "pretrained", "preTrainedVecSize": 3}, 3),
        ({"fix": True, "preTrainedVecSize": 3}, 4),
    ],
)
@pytest.mark.parametrize("padding", [1, 0])
def test_word_embedding(fields: dict[str, Any], fixed: int, padding: int) -> None:
    made = embedding(**fields)
    made.payload["net"].payload["paddingValue"] = padding
    words = np.array([[2, 1, 6], [2, 3, 1]])
    tree, converted, executor = build(made), convert_tree(build(made)), Executor()
    call = executor.call(tree, words)
    output = converted.network.double()(torch.from_numpy(words))
    golden.assert_close("output", output, call.output, 1e-15)
    gy = normal(2, 3, 4)
    call.backward(gy)
    expected = executor.gradients.get((id(tree.fields["net"]), "weight"), np.zeros((6, 4)))
    assert not expected[0].any()
    assert not expected[:, :fixed].any()
    assert expected[1:, fixed:].any() == (fixed < 4)
    assert output.requires_grad == (fixed < 4)
    if fixed < 4:
        output.backward(torch.from_numpy(gy))
    (found,) = golden._bound_gradients(converted)
    assert np.allclose(found, expected, rtol=1e-12)
    assert tree.spec.lists is not None
    assert tree.spec.lists(tree.fields) == (fixed < 4)


def test_word_embedding_of_something_else_is_refused() -> None:
    net = linear(3, 2)
    with pytest.raises(ConversionError, match=r"is no nn\.LookupTable"):
        network(obj("onmt.WordEmbedding", net=net, modules=table(net)))


@pytest.mark.parametrize("dimension", [2, -2])
@pytest.mark.parametrize("lengths", [[4, 1, 2], [0, 4, 9]])
def test_position_embedding(dimension: int, lengths: list[int]) -> None:
    made = obj(
        "onmt.PositionEmbedding", weight=lua(4, 3), dimension=dimension, max_pos=3, paddingValue=0
    )
    x = normal(3, 4, 2)
    output = compare(made, [[x, np.array(lengths)]], gradient=False)[0]
    rows = [[max(1, min(t - 4 + n + 1, 4)) for t in range(1, 5)] for n in lengths]
    assert np.array_equal(output, made.payload["weight"].numpy()[np.array(rows) - 1])

    converted, tree, executor = convert_tree(build(made)), build(made), Executor()
    gy = normal(3, 4, 3)
    converted.network([torch.from_numpy(x), lengths]).backward(torch.from_numpy(gy))
    call = executor.call(tree, [x, np.array(lengths)])
    assert not golden.leaves(call.backward(gy))[0].any()
    golden.assert_close(
        "gradWeight",
        golden._bound_gradients(converted),
        [executor.gradients[id(tree), "weight"]],
        golden.GRADIENT_RTOL,
    )


def test_position_embedding_refusals() -> None:
    fields = {"weight": lua(4, 3), "max_pos": 3}
    with pytest.raises(ConversionError, match="the field dimension is 1"):
        network(obj("onmt.PositionEmbedding", dimension=1, **fields))
    with pytest.raises(ConversionError, match="paddingValue is 3, expected 0 or 1"):
        network(obj("onmt.PositionEmbedding", dimension=2, paddingValue=3, **fields))
    made = obj("onmt.PositionEmbedding", dimension=2, **fields)
    with pytest.raises(RuntimeError, match="3 dimensions expected"):
        network(made)([torch.zeros(2, 3), torch.ones(2)])
    with pytest.raises(ConversionError, match="only the second"):
        Executor().call(build(made), [normal(2, 3), np.ones(2)])


@pytest.mark.parametrize(
    ("dims", "shapes"),
    [
        ((2, 3, None), [(2, 1, 3), (2, 4, 2)]),
        ((2, 3, None), [(2, 3, 3), (2, 3, 1)]),
        ((-2, -1, None), [(2, 1, 3), (2, 4, 2), (2, 1, 1)]),
        ((1, 2, 2), [(2, 1, 3), (2, 4, 3)]),
        ((1, 2, 2), [(1, 3), (5, 3)]),
        ((1, 2, 2), [(1, 3), (1, 2)]),
    ],
)
def test_join_replicate(dims: tuple[int, int, int | None], shapes: list[tuple[int, ...]]) -> None:
    made = obj("onmt.JoinReplicateTable", dimensionReplicate=dims[0], dimensionJoin=dims[1])
    if dims[2] is not None:
        made.payload["nInputDims"] = dims[2]
    compare(made, [[normal(*shape) for shape in shapes]])


def test_join_replicate_refuses_other_sizes() -> None:
    made = obj("onmt.JoinReplicateTable", dimensionReplicate=1, dimensionJoin=2)
    x = [normal(2, 3), normal(3, 3)]
    with pytest.raises(RuntimeError, match="2 slices can't be repeated to 3"):
        network(made)(golden.tensors(x))
    with pytest.raises(ConversionError, match="incorrect tensor size"):
        Executor().call(build(made), x)


def test_variational_dropout() -> None:
    made = obj("onmt.VariationalDropout", p=0.3, noiseInit=lua(1))
    x = torch.ones(50, 40, dtype=torch.float64, requires_grad=True)
    net = network(made)
    compare(made, [normal(3, 4)])
    net.train()
    torch.manual_seed(2)
    first = net(x)
    assert {round(float(v), 9) for v in first.detach().unique()} == {0, round(1 / 0.7, 9)}
    assert abs(float((first == 0).double().mean()) - 0.3) < 0.03
    assert torch.equal(net(x), first)
    assert torch.equal(net.eval()(x), x)
    assert torch.equal(net.train()(x), first)
    first.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, first)
    assert not torch.equal(forget(net)(x), first)
    assert net(x[:3]).shape == (3, 40)
    torch.manual_seed(2)
    assert torch.equal(forget(net)(x), first)
    never = network(obj("onmt.VariationalDropout", p=0)).train()
    assert torch.equal(never(x), x)


@pytest.mark.parametrize("kind", ["Network", "LSTM", "GRU", "GlobalAttention", "NoAttention"])
def test_networks(kind: str) -> None:
    net = linear(3, 2)
    compare(obj(f"onmt.{kind}", net=net, modules=table(net)), [normal(4, 3)])
    assert "net.weight" in network(obj(f"onmt.{kind}", modules=table(net))).state_dict()
    with pytest.raises(ConversionError, match="modules holds another module than net"):
        network(obj(f"onmt.{kind}", net=net, modules=table(linear(3, 2))))
    with pytest.raises(ConversionError, match="net"):
        network(obj(f"onmt.{kind}"))


def test_bridge_without_a_network_hands_nothing_over() -> None:
    made = obj("onmt.Bridge", modules=table())
    assert network(made)([torch.ones(2)]) is None
    call = Executor().call(build(made), [normal(2)])
    assert call.output is None
    assert call.backward(None) is None


@pytest.mark.parametrize("kind", ["Generator", "FeaturesGenerator"])
def test_generators_take_the_first_of_a_list(kind: str) -> None:
    net = sequential(linear(3, 4), obj("nn.LogSoftMax"))
    made = obj(f"onmt.{kind}", net=net, modules=table(net))
    x = normal(2, 3)
    compare(made, [x])
    listed = network(made)([torch.from_numpy(x), torch.zeros(1)])
    assert torch.equal(listed, network(made)(torch.from_numpy(x)))
    call = Executor().call(build(made), [x, normal(2, 3)])
    golden.assert_close("output", listed, call.output, golden.OUTPUT_RTOL)


def test_criterion_without_padding() -> None:
    """The padding class has weight 0."""
    nlls = []
    for size in (4, 3):
        weights = np.ones(size)
        weights[0] = 0
        nll = obj("nn.ClassNLLCriterion", weights=tensor(weights), sizeAverage=False)
        nlls.append(nll)
    made = obj(
        "onmt.ParallelClassNLLCriterion",
        criterions=table(*nlls),
        weights=table(1, 1),
        mainCriterion=nlls[0],
    )
    scores = [normal(3, 4), normal(3, 3)]
    loss, _ = compare_criterion(made, scores, [np.array([1, 2, 4]), np.array([1, 1, 3])])
    assert loss == pytest.approx(-scores[0][1, 1] - scores[0][2, 3] - scores[1][2, 2], rel=1e-12)
