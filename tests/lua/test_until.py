"""Networks kept up to a module: what they compute, and the names of what is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from t7convert.conversion import convert_tree
from t7convert.errors import ConversionError, PathError
from t7convert.format import load
from t7convert.format.objects import LuaObject
from t7convert.lua import arch, find
from t7convert.lua.tree import build
from t7convert.lua.until import truncate
from t7convert.reference import Executor
from tests import golden
from tests.build import linear, obj, sequential, table
from tests.graphs import Graph
from tests.layers.compare import normal


def around(name: str, *modules: LuaObject, **fields: Any) -> LuaObject:
    return obj(f"nn.{name}", modules=table(*modules), **fields)


def lin(seed: int, inputs: int = 4, outputs: int = 4) -> LuaObject:
    return linear(inputs, outputs, seed=seed)


def check(module: LuaObject, path: str, given: Any, root: str = "") -> list[str]:
    """Compare the cut network with what the whole one computes there; return its keys."""
    tree = build(module, root)
    whole = Executor()
    whole.call(tree, given)
    wanted = path if path.startswith(root) else f"{root}.{path}"
    (expected,) = [call.returned for call in whole.calls if call.module.path == wanted]
    cut = truncate(build(module, root), path)
    made = convert_tree(cut)
    made.network.double()
    golden.assert_close("network", made.network(golden.tensors(given)), expected, 1e-12)
    golden.assert_close("reference", Executor().run(cut, given), expected, 1e-12)
    keys = convert_tree(tree).network.state_dict()
    assert set(made.network.state_dict()) <= set(keys)
    assert arch.encode(arch.decode(arch.encode(cut))) == arch.encode(cut)
    return sorted(key for key in made.network.state_dict() if key.endswith("weight"))


def test_sequential_drops_what_comes_after() -> None:
    module = sequential(lin(1), obj("nn.Tanh"), lin(2), sequential(lin(3), lin(4)), lin(5))

    assert check(module, "modules[2]", normal(3, 4)) == ["0.weight"]
    assert check(module, "modules[4].modules[1]", normal(3, 4)) == [
        "0.weight",
        "2.weight",
        "3.0.weight",
    ]


@pytest.mark.parametrize("path", ["model.modules[2]", "modules[2]"])
def test_paths_count_from_the_file_or_from_the_model(path: str) -> None:
    assert check(sequential(lin(1), lin(2), lin(3)), path, normal(4), "model") == [
        "0.weight",
        "1.weight",
    ]


@pytest.mark.parametrize("name", ["ConcatTable", "Concat", "DepthConcat", "ModelParallel"])
def test_one_branch_of_several(name: str) -> None:
    branches = around(name, lin(1), sequential(lin(2), lin(3)), lin(4), dimension=2)
    module = sequential(lin(5), branches)

    assert check(module, "modules[2].modules[2].modules[1]", normal(3, 4)) == [
        "0.weight",
        "1.1.0.weight",
    ]


@pytest.mark.parametrize("name", ["ParallelTable", "MapTable"])
def test_one_entry_of_a_table(name: str) -> None:
    fields = {"shared": False, "module": lin(1)} if name == "MapTable" else {}
    module = around(name, lin(1), lin(2), **fields)
    given = [normal(3, 4), normal(2, 4)]

    assert check(module, "modules[2]", given) == ["1.weight"]


def test_one_slice_of_a_tensor() -> None:
    module = around("Parallel", lin(1), lin(2), inputDimension=2, outputDimension=1)

    assert check(module, "modules[2]", normal(4, 2)) == ["1.weight"]


@pytest.mark.parametrize(
    "name", ["Decorator", "NaN", "Profile", "GPU", "DontCast", "DataParallelTable", "DataParallel"]
)
def test_decorators_stay(name: str) -> None:
    module = around(name, sequential(lin(1), lin(2)))

    assert check(module, "modules[1].modules[1]", normal(3, 4)) == ["0.0.weight"]


def graph() -> LuaObject:
    made = Graph()
    x, h = made.split(made.input(), 2)
    first = made.node(sequential(lin(1), lin(2)), x, name="encoder")
    second = made.node(lin(3), h)
    both = made.node(obj("nn.CAddTable"), first, second)
    side = made.node(lin(4), first, name="side")
    return made.finish(made.node(lin(5), both), side, inputs=2)


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("modules[1]", ["encoder.0.weight", "encoder.1.weight"]),
        ("modules[1].modules[1]", ["encoder.0.weight"]),
        ("modules[2]", ["node6.weight"]),
        ("modules[3]", ["encoder.0.weight", "encoder.1.weight", "node6.weight"]),
        ("modules[4]", ["encoder.0.weight", "encoder.1.weight", "side.weight"]),
    ],
)
def test_a_node_of_a_graph(path: str, keys: list[str]) -> None:
    assert check(graph(), path, [normal(3, 4), normal(3, 4)]) == keys


def test_a_graph_inside() -> None:
    branches = around("ConcatTable", obj("nn.Identity"), lin(7))
    module = sequential(lin(6), branches, graph(), obj("nn.CAddTable"))

    assert check(module, "modules[3].modules[2]", normal(3, 4)) == [
        "0.weight",
        "1.1.weight",
        "2.node6.weight",
    ]


def test_the_whole_tree() -> None:
    tree = build(sequential(lin(1)), "model")

    assert truncate(tree, "model") is tree
    assert truncate(tree, "") is tree


def test_the_given_tree_stays() -> None:
    tree = build(sequential(lin(1), lin(2)))
    truncate(tree, "modules[1]")

    assert len(list(tree.children())) == 2


def test_paths_that_lead_nowhere() -> None:
    tree = build(sequential(lin(1), lin(2)), "model")

    expected = r"nn.Sequential at model has no modules\[3\]; it holds modules\[1\], modules\[2\]"
    with pytest.raises(PathError, match=expected):
        truncate(tree, "modules[3]")
    with pytest.raises(PathError, match=r"nn.Linear .* has no weight; it holds no modules"):
        truncate(tree, "model.modules[1].weight")
    with pytest.raises(PathError, match="can't be read"):
        truncate(tree, "modules[")


@pytest.mark.parametrize("name", ["Bottle", "Recursor"])
def test_containers_that_cannot_be_cut(name: str) -> None:
    tree = build(around(name, lin(1)))

    with pytest.raises(ConversionError, match=rf"nn\.{name}: can't be cut: what it makes"):
        truncate(tree, next(child.path for _, child in tree.children()))


def test_a_module_at_several_nodes() -> None:
    made, shared = Graph(), lin(1)
    first = made.node(shared, made.input(), name="first")
    tree = build(made.finish(made.node(shared, first, name="second")))

    with pytest.raises(ConversionError, match=r"modules\[1\] stands at first, second"):
        truncate(tree, "modules[1]")


def test_what_an_in_place_module_left_out_would_have_overwritten() -> None:
    relu = obj("nn.ReLU", inplace=True)
    table_ = build(around("ConcatTable", relu, lin(1), relu))
    made = Graph()
    start = made.node(lin(1), made.input())
    both = [made.node(module, start) for module in (relu, lin(2))]
    drawn = build(made.finish(*both))

    for tree in (table_, drawn):
        with pytest.raises(ConversionError, match="overwrites what the rest reads"):
            truncate(tree, "modules[3]" if tree is drawn else "modules[2]")
    assert truncate(table_, "modules[1]").fields["module"].typename == "nn.ReLU"


def test_a_published_network(shared: Path) -> None:
    file = shared / "zoo/aghagol+minimal_rnntracking_deploy/bin/rnnTracker_r300_l1_n1_m1_d4.t7"
    path, module = find.model(load(file), "protos.rnn")
    given = [normal(4), normal(300), normal(4), normal(2), normal(1)]
    tree = build(module, path)
    whole = Executor()
    whole.call(tree, given)
    tanh = next(call for call in whole.calls if call.module.typename == "nn.Tanh")
    made = convert_tree(truncate(tree, tanh.module.path))
    made.network.double()
    found = made.network(golden.tensors(given)).detach().numpy()

    assert np.allclose(found, tanh.output, rtol=1e-12)
    assert sorted(name for name, _ in made.network.named_children()) == [
        "Add_Pred",
        "X_t_1",
        "h2h_Pred_L1",
        "h_1_t_1",
        "i2h_Pred_L1",
        "next_h_Pred_L1",
    ]
