"""In-place modules: what Lua's overwriting does to others, in output and in gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.format.objects import LuaFunction, LuaObject
from t7convert.lua.overwriting import overwrites
from t7convert.lua.tree import build, walk
from t7convert.nn.inplace import Overwriting
from tests.build import linear, obj, sequential, table, tensor
from tests.graphs import Graph
from tests.layers.compare import normal
from tests.layers.nested import compare_nested


def leaky(slope: float = 0.2) -> LuaObject:
    return obj("nn.LeakyReLU", negval=slope, inplace=True)


def times(factor: float) -> LuaObject:
    return obj("nn.MulConstant", constant_scalar=factor, inplace=True)


def concat_table(*modules: LuaObject) -> LuaObject:
    return obj("nn.ConcatTable", modules=table(*modules))


def skip(module: LuaObject, first: LuaObject | None = None) -> LuaObject:
    """A linear layer, then ``module`` beside a skip connection that reads later."""
    start = [linear(4, 3, seed=1)] if first is None else [first]
    join = obj("nn.JoinTable", dimension=1, nInputDims=1)
    return sequential(*start, concat_table(module, obj("nn.Identity")), join)


def seen(module: LuaObject) -> list[str]:
    """Return the classes whose overwriting can be seen."""
    tree = build(module)
    found = overwrites(tree).visible
    return [m.typename for m in walk(tree) if id(m) in found]


def unet(last: LuaObject) -> LuaObject:
    """An encoder whose output feeds an in-place module and, later, a skip connection."""
    graph = Graph()
    encoded = graph.node(linear(4, 3, seed=1), graph.input())
    inner = graph.node(linear(3, 3, seed=2), graph.node(leaky(), encoded))
    return graph.finish(graph.node(last, inner, encoded))


def restored(*, earlier: bool) -> LuaObject:
    """An in-place module that undoes it in backward, before or behind another reader."""
    graph = Graph()
    encoded = graph.node(linear(4, 3, seed=1), graph.input())
    before = [graph.node(linear(3, 3, seed=2), encoded)] if earlier else []
    scaled = graph.node(times(-3.0), encoded)
    after = [] if earlier else [graph.node(linear(3, 3, seed=2), encoded)]
    return graph.finish(graph.node(obj("nn.CAddTable"), scaled, *before, *after))


IDENTITY = obj("nn.Identity")
PASS: dict[str, Any] = {"updateOutput": LuaFunction(b"")}
VIEW_BACK = obj("nn.View", size=table(3))
VISIBLE: dict[str, Callable[[], LuaObject]] = {
    "skip": lambda: skip(leaky()),
    "identity before": lambda: concat_table(obj("nn.Identity"), leaky()),
    "nngraph": lambda: unet(obj("nn.JoinTable", dimension=1, nInputDims=1)),
    "view": lambda: skip(sequential(obj("nn.View", size=table(-1)), leaky(), VIEW_BACK)),
    "chain": lambda: skip(sequential(leaky(), leaky(0.3), obj("nn.ReLU", inplace=True))),
    "constant added": lambda: skip(obj("nn.AddConstant", constant_scalar=1.5, inplace=True)),
    "read before and after": lambda: concat_table(linear(4, 2), leaky(), linear(4, 2, seed=5)),
    "restored, read after": lambda: restored(earlier=False),
    "two writers": lambda: concat_table(leaky(), leaky(0.3), leaky(0.1)),
    "sum": lambda: concat_table(
        sequential(
            concat_table(obj("nn.Identity"), linear(4, 4)), obj("nn.CAddTable", inplace=True)
        ),
        linear(4, 4, seed=3),
    ),
    "own copy": lambda: skip(leaky(), obj("nn.Select", dimension=1, index=2)),
    "copy": lambda: skip(leaky(), obj("nn.Copy", output=tensor([0.0]))),
    "copy between equals": lambda: sequential(
        linear(4, 3),
        concat_table(sequential(obj("nn.Copy", output=tensor([0.0]), **PASS), leaky()), IDENTITY),
    ),
    "narrow": lambda: skip(leaky(), obj("nn.Narrow", dimension=1, index=2, length=2)),
    "output read again": lambda: sequential(linear(4, 3), obj("nn.Tanh"), leaky()),
    "parallel": lambda: sequential(
        concat_table(linear(4, 3), linear(4, 3, seed=4)),
        concat_table(
            obj("nn.ParallelTable", modules=table(leaky(), obj("nn.Identity"))),
            obj("nn.SelectTable", index=1),
        ),
        obj("nn.FlattenTable"),
    ),
    "split": lambda: sequential(
        linear(4, 6),
        concat_table(
            sequential(obj("nn.SplitTable", dimension=2), obj("nn.SelectTable", index=1), leaky()),
            obj("nn.Identity"),
        ),
    ),
    "concat": lambda: sequential(
        linear(4, 3),
        obj("nn.Concat", dimension=1, modules=table(obj("nn.Identity"), leaky())),
    ),
    "network of OpenNMT": lambda: obj("onmt.Network", net=skip(leaky())),
    "container that isn't looked into": lambda: sequential(
        linear(4, 4), obj("nn.MaskZero", nInputDim=1, modules=table(skip(leaky(), linear(4, 3))))
    ),
    "map": lambda: sequential(
        concat_table(linear(4, 3), linear(4, 3, seed=4)),
        concat_table(obj("nn.MapTable", modules=table(leaky())), obj("nn.Identity")),
        obj("nn.FlattenTable"),
    ),
}

INVISIBLE: dict[str, Callable[[], LuaObject]] = {
    "alone": lambda: sequential(linear(4, 3), leaky(), times(2.0), linear(3, 2, seed=1)),
    "on the input": lambda: sequential(leaky(), linear(4, 2)),
    "branches": lambda: concat_table(
        sequential(linear(4, 3), leaky()), sequential(linear(4, 3, seed=2), leaky())
    ),
    "residual": lambda: sequential(
        concat_table(sequential(linear(4, 4), leaky(), linear(4, 4, seed=1)), obj("nn.Identity")),
        obj("nn.CAddTable", inplace=True),
        leaky(),
    ),
    "behind a copy": lambda: sequential(
        linear(4, 3),
        concat_table(sequential(obj("nn.Dropout", v2=True), leaky()), obj("nn.Identity")),
    ),
    "restored before it is read again": lambda: restored(earlier=True),
    "decorated": lambda: sequential(
        obj("nn.Bottle", nInputDim=2, modules=table(linear(4, 3))), leaky()
    ),
}


@pytest.mark.parametrize("name", VISIBLE)
@pytest.mark.parametrize("batch", [(), (5,)])
def test_where_it_can_be_seen(name: str, batch: tuple[int, ...]) -> None:
    module = VISIBLE[name]()

    assert seen(module)
    matrix = name in ("own copy", "narrow", "split")
    compare_nested(module, normal(*((3,) if matrix else batch), 4))


@pytest.mark.parametrize("name", INVISIBLE)
def test_where_nobody_can_see_it(name: str) -> None:
    module = INVISIBLE[name]()

    assert seen(module) == []
    compare_nested(module, normal(5, 4))


def test_the_skip_connection_reads_the_overwritten_values() -> None:
    module = concat_table(obj("nn.Identity"), leaky())
    x = np.array([[-1.0, 2.0]])

    assert [y.tolist() for y in compare_nested(module, x)] == [[[-0.2, 2.0]], [[-0.2, 2.0]]]


def test_the_gradient_does_not_know_of_the_overwriting() -> None:
    network = convert_tree(build(concat_table(obj("nn.Identity"), leaky()))).network
    x = torch.tensor([[-1.0, 2.0]], requires_grad=True)
    first, second = network(x)
    (first.sum() + second.sum()).backward()

    assert x.grad is not None
    assert torch.allclose(x.grad, torch.tensor([[1.2, 2.0]]))
    assert x.tolist() == [[-1.0, 2.0]]


def test_what_is_seen() -> None:
    assert seen(VISIBLE["chain"]()) == ["nn.LeakyReLU", "nn.LeakyReLU", "nn.ReLU"]
    assert seen(VISIBLE["sum"]()) == ["nn.CAddTable"]
    assert seen(obj("nn.ReLU", inplace=True)) == []


def test_values_and_keys_of_an_exported_graph_stay() -> None:
    made = convert_tree(build(unet(obj("nn.JoinTable", dimension=2))))
    x = torch.randn(2, 4, dtype=torch.float64)
    exported = torch.export.export(made.network, (x,)).module()

    assert any(isinstance(m, Overwriting) for m in made.network.modules())
    assert torch.equal(exported(x), made.network(x))
    assert sorted(made.network.state_dict()) == sorted(
        f"{node}.{name}" for node in ("node2", "node4") for name in ("bias", "weight")
    )
