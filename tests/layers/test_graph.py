"""nngraph's gModules: any wiring, against the reference; those that people published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.errors import ConversionError
from t7convert.format import load
from t7convert.format.objects import LuaObject
from t7convert.lua import find
from t7convert.lua.tree import build
from t7convert.nn.graph import GraphModule
from t7convert.reference import Executor
from tests import golden
from tests.build import linear, obj, table, tensor
from tests.graphs import Graph
from tests.layers.compare import converted, normal, reference
from tests.layers.nested import compare_nested, shape_of


def cell() -> LuaObject:
    """Two inputs, two outputs, a node used three times, a split, names."""
    graph = Graph()
    x, h = graph.split(graph.input(), 2)
    both = graph.node(
        obj("nn.CAddTable"),
        graph.node(linear(3, 8, seed=1), x),
        graph.node(linear(4, 8, seed=2), h),
        name="gates",
    )
    halves = graph.node(obj("nn.SplitTable", dimension=2), graph.node(reshape(2, 4), both))
    gate, update = graph.split(halves, 2)
    gated = graph.node(obj("nn.CMulTable"), graph.node(obj("nn.Sigmoid"), gate), h)
    new = graph.node(obj("nn.CAddTable"), gated, graph.node(obj("nn.Tanh"), update), name="state")
    return graph.finish(graph.node(linear(4, 2, seed=3), new), new, inputs=2)


def reshape(*size: int) -> LuaObject:
    return obj("nn.Reshape", size=table(*size), batchMode=True)


def test_inputs_outputs_and_splits() -> None:
    output = compare_nested(cell(), [normal(5, 3), normal(5, 4)])

    assert shape_of(output) == [(5, 2), (5, 4)]


def test_the_wrong_number_of_inputs() -> None:
    with pytest.raises(RuntimeError, match="got 1 inputs instead of 2"):
        converted(cell()).network([torch.zeros(5, 3)])
    with pytest.raises(ConversionError, match="got 1 inputs instead of 2"):
        reference(cell(), [np.zeros((5, 3))])


def test_nested_and_shared_between_graphs() -> None:
    inner, outer = cell(), Graph()
    x1, x2, h = outer.split(outer.input(), 3)
    y1, h1 = outer.split(outer.node(inner, x1, h), 2)
    weight, bias = inner["modules"][1]["weight"], inner["modules"][1]["bias"]
    tied = obj("nn.Linear", weight=weight, bias=bias)
    y2 = outer.node(tied, x2)
    module = outer.finish(y1, h1, y2, inputs=3)
    compare_nested(module, [normal(5, 3), normal(5, 3), normal(5, 4)])

    made = convert_tree(build(module))
    assert len(made.ties()) == 2


def test_one_module_at_two_nodes_is_one_module() -> None:
    graph = Graph()
    shared, start = linear(3, 3), graph.input()
    first = graph.node(shared, start)
    module = graph.finish(graph.node(shared, graph.node(obj("nn.Tanh"), first)))
    compare_nested(module, normal(2, 3))

    network = convert_tree(build(module)).network
    assert sum(p.numel() for p in network.parameters()) == 12


def test_a_node_without_inputs_gives_a_constant() -> None:
    graph = Graph()
    start = graph.input()
    offset = graph.node(obj("nn.Constant", value=tensor(normal(2, 3))))
    module = graph.finish(graph.node(obj("nn.CAddTable"), start, offset))
    x = normal(2, 3)

    expected = reference(module, x).output
    assert np.array_equal(converted(module).network(torch.from_numpy(x)).numpy(), expected)


def test_old_files_lack_the_number_of_inputs_and_the_modules() -> None:
    for lacking in ({"inputs": None}, {"modules": None}, {"inputs": None, "modules": None}):
        graph = Graph()
        hidden = graph.node(linear(3, 4), graph.input())
        module = graph.finish(graph.node(linear(4, 2), hidden), **lacking)
        compare_nested(module, normal(2, 3))


def test_a_table_may_be_the_only_input() -> None:
    graph = Graph()
    joined = graph.node(obj("nn.CAddTable"), graph.input())
    compare_nested(graph.finish(joined), [normal(2), normal(2)])


def test_fields_that_people_added_are_ignored() -> None:
    graph = Graph()
    end = graph.node(linear(3, 2), graph.input())
    module = graph.finish(end, module_h=linear(5, 5), dimh=100)

    assert len(converted(module).network.state_dict()) == 2


def test_just_one() -> None:
    compare_nested(obj("nngraph.JustElement"), [normal(3)])
    compare_nested(obj("nngraph.JustTable"), normal(3))


def test_a_criterion_as_a_module() -> None:
    module = obj("nn.ModuleFromCriterion", criterion=obj("nn.MSECriterion", sizeAverage=True))
    given = [normal(3, 4), normal(3, 4)]
    output = compare_nested(module, given)

    assert output == pytest.approx([((given[0] - given[1]) ** 2).mean()])


def test_names_of_nodes_are_kept_as_far_as_they_can_be() -> None:
    graph = Graph()
    node = graph.input()
    for name in ("conv 1", "conv 1", "forward", "_input", "num_inputs", "", None, "node7", "a.b"):
        node = graph.node(linear(3, 3), node, name=name)
    network = convert_tree(build(graph.finish(node))).network
    names = [name for name, _ in network.named_children()]

    assert names == [
        "conv_1",
        "conv_1_3",
        "node_forward",
        "node__input",
        "node_num_inputs",
        "node7",
        "node8",
        "node7_9",
        "a_b",
    ]


def test_the_wiring_is_shown() -> None:
    text = repr(convert_tree(build(cell())).network)

    assert "node1 = pass(input)\n" in text
    assert "node4 = pass(node2)[1]\n" in text
    assert "gates = gates(node5, node6)\n" in text
    assert "node18 = pass(node17, state)\n  output = node18\n" in text


def test_values_are_let_go_when_nobody_reads_them_any_more() -> None:
    network = convert_tree(build(cell())).network
    assert isinstance(network, GraphModule)
    released = [source for sources in network._finished for source in sources]

    assert len(released) == len(set(released))
    assert len(released) == len(network._wiring) - 1


def test_a_broken_graph_is_an_error_that_names_it() -> None:
    module = obj("nn.gModule", forwardnodes=table(obj("nngraph.Node")), modules=table())

    with pytest.raises(ConversionError, match=r"nn\.gModule: its fields can't be understood"):
        build(module)


def test_export_of_a_graph() -> None:
    network = converted(cell()).network
    given = [torch.from_numpy(normal(5, 3)), torch.from_numpy(normal(5, 4))]
    exported = torch.export.export(network, (given,)).module()

    for a, b in zip(exported(given), network(given), strict=True):
        assert torch.equal(a, b)


#: zoo file, path of the model, input of its own geometry
PUBLISHED: list[tuple[str, str, Any]] = [
    ("Cadene+AS_Exam/model.t7", "", [normal(100), *[normal(5) for _ in range(10)]]),
    ("Cadene+AS_Exam/model.t7", "", [normal(3, 100), *[normal(3, 5) for _ in range(10)]]),
    (
        "aghagol+minimal_rnntracking_deploy/bin/rnnTracker_r300_l1_n1_m1_d4.t7",
        "protos.rnn",
        [normal(4), normal(300), normal(4), normal(2), normal(1)],
    ),
    (
        "jsenellart+luatorch-onnx-convert/test/data/model3.t7",
        "",
        [normal(3, 5), normal(3, 5), normal(3, 10)],
    ),
    (
        "jsenellart+luatorch-onnx-convert/test/data/model5.t7",
        "",
        [normal(3, 4), normal(3, 4)],
    ),
    (
        "bshillingford+python-torchfile/testfiles_x86_64/gmodule_with_linear_identity.t7",
        "",
        [normal(3, 1), normal(3, 2)],
    ),
]


@pytest.mark.parametrize(("file", "path", "given"), PUBLISHED)
def test_published_graphs_run(shared: Path, file: str, path: str, given: Any) -> None:
    tree = build(find.model(load(shared / "zoo" / file), path or None)[1], path)
    made = convert_tree(tree)
    made.network.double()

    golden.assert_close(
        file, made.network(golden.tensors(given)), Executor().run(tree, given), 1e-12
    )
