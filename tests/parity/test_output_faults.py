"""What is wrong with an output is found, whatever its kind."""

from __future__ import annotations

import json
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import t7convert
from t7convert.cli import main
from tests.build import tensor
from tests.parity.planting import (
    BASIC,
    CHANGERS,
    TIE,
    WEIGHT,
    lua_weights,
    model_of,
    one_ulp,
    planted,
    pt_with,
    split,
)


@pytest.mark.parametrize("kind", CHANGERS)
def test_one_unit_in_the_last_place_of_one_weight(made: Any, tmp_path: Path, kind: str) -> None:
    report = planted(made, tmp_path, kind, lambda state: one_ulp(state[WEIGHT]))

    assert not report.ok
    bits = [row for row in report.failures if row.kind == "parameter"]
    assert len(bits) == 1
    assert "not the same bits" in bits[0].note
    assert WEIGHT in bits[0].note
    assert bits[0].typename in ("Linear", "nn.Linear")


def test_one_unit_of_a_weight_with_a_folded_normalisation(made: Any, tmp_path: Path) -> None:
    for key in ("conv1.weight", "conv1.weight_bias"):
        report = planted(made, tmp_path, "onnx", lambda state, key=key: one_ulp(state[key]))

        assert not report.ok
        (bits,) = [row for row in report.failures if row.kind == "parameter"]
        assert "conv1.weight" in bits.note


@pytest.mark.parametrize("kind", [kind for kind in CHANGERS if kind not in ("py", "onnx")])
def test_a_tie_lost_with_the_same_values(made: Any, tmp_path: Path, kind: str) -> None:
    report = planted(made, tmp_path, kind, split)

    assert not report.ok
    (fact,) = [fact for fact in report.facts if not fact.ok]
    assert fact.name == "ties of the output"
    assert f"lost: {TIE[0]} = {TIE[1]}" in fact.detail


def test_a_tie_lost_in_an_onnx_graph(made: Any, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(made(BASIC, "onnx"))
    (entry,) = [entry for entry in model.graph.initializer if entry.name == TIE[1]]
    again = onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(entry), TIE[0])
    model.graph.initializer.append(again)
    user = next(node for node in model.graph.node if TIE[1] in node.input)
    user.input[list(user.input).index(TIE[1])] = TIE[0]
    onnx.save(model, tmp_path / "out.onnx")
    report = t7convert.verify(model_of(BASIC), tmp_path / "out.onnx")

    assert [fact.detail for fact in report.facts if not fact.ok] == [f"lost: {' = '.join(TIE)}"]


def test_a_tie_lost_in_source(made: Any, tmp_path: Path) -> None:
    path = made("same-module-twice", "py")
    target = tmp_path / path.name
    weights = f"{path.stem}.weights.pt"
    shutil.copy(path.with_name(weights), tmp_path / weights)
    text = path.read_text()
    last = re.findall(r"^        self\[6\].*$|^        .*\.weight = .*$", text, re.M)
    assert last
    target.write_text(text.replace(last[-1], "        pass"))
    report = t7convert.verify(model_of("same-module-twice"), target)

    assert not report.ok
    assert any("lost: " in fact.detail for fact in report.facts if not fact.ok)


@pytest.mark.parametrize("kind", [kind for kind in CHANGERS if kind != "pt2"])
def test_a_missing_tensor(made: Any, tmp_path: Path, kind: str) -> None:
    report = planted(made, tmp_path, kind, lambda state: state.pop(WEIGHT))

    assert not report.ok
    assert not report.compared
    if kind == "onnx":
        assert "refuses the model" in str(report)
    else:
        assert [row.status for row in report.failures] == ["missing"]
        assert f"the file has no tensor {WEIGHT}" in str(report)


@pytest.mark.parametrize("kind", [kind for kind in CHANGERS if kind not in ("pt2", "onnx")])
def test_a_surplus_tensor_and_a_wrong_shape(made: Any, tmp_path: Path, kind: str) -> None:
    def more(state: dict[str, Any]) -> None:
        state["extra.weight"] = state["fc.bias"] * 1

    def cut(state: dict[str, Any]) -> None:
        state["fc.bias"] = state["fc.bias"][:-1] * 1

    surplus = planted(made, tmp_path, kind, more)
    wrong = planted(made, tmp_path, kind, cut)

    assert (surplus.ok, wrong.ok) == (False, False)
    assert "surplus: the network has no place for the file's tensor extra.weight" in str(surplus)
    assert "fc.bias has shape (" in str(wrong)
    assert "nothing was compared" in str(wrong)


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_tied_names_with_other_values(made: Any, tmp_path: Path, kind: str) -> None:
    def change(state: dict[str, Any]) -> None:
        split(state)
        one_ulp(state[TIE[1]])

    assert f"{TIE[0]} and {TIE[1]} are one tensor in Lua" in str(
        planted(made, tmp_path, kind, change)
    )


def test_the_command_exits_with_5_and_a_report(made: Any, tmp_path: Path) -> None:
    target = tmp_path / "out.pt"
    pt_with(lambda state: state.pop(WEIGHT))(made(BASIC, "pt"), target)
    html = tmp_path / "r.html"
    command = ["verify", str(model_of(BASIC)), str(target), "--html", str(html)]
    run = CliRunner().invoke(main, command)

    assert run.exit_code == 5
    assert f"the file has no tensor {WEIGHT}" in run.output
    assert "nothing was compared" in run.output
    assert "no tensor" in html.read_text()


def test_a_layer_dropped_from_a_description(made: Any, tmp_path: Path) -> None:
    content = torch.load(made("checkpoint-table", "pt"), weights_only=True)
    described = json.loads(content["architecture"])
    text = (
        json.dumps(described)
        .replace('"nn.ReLU"', '"nn.Identity"')
        .replace('"nn.Tanh"', '"nn.Identity"')
    )
    content["architecture"] = text
    torch.save(content, tmp_path / "out.pt")
    report = t7convert.verify(model_of("checkpoint-table"), tmp_path / "out.pt")

    assert not report.ok
    assert [fact.name for fact in report.facts if not fact.ok] == ["modules"]
    assert report.first is not None


def test_a_layer_dropped_from_a_t7(made: Any, tmp_path: Path) -> None:
    root = t7convert.load(made("same-module-twice", "t7"))
    modules = root.get("modules")
    kept = [m for m in modules.list() if m.typename not in ("nn.Tanh", "nn.ReLU")]
    assert len(kept) < len(modules.list())
    for key in list(modules):
        del modules[key]
    for number, module in enumerate(kept, start=1):
        modules[number] = module
    t7convert.save(root, tmp_path / "out.t7")
    report = t7convert.verify(model_of("same-module-twice"), tmp_path / "out.t7")

    assert not report.ok
    assert "modules" in [fact.name for fact in report.facts if not fact.ok]


@pytest.mark.parametrize("name", [BASIC])
def test_weights_of_a_t7(made: Any, tmp_path: Path, name: str) -> None:
    root = t7convert.load(made(name, "t7"))
    weights = lua_weights(root)
    changed = np.array(weights[0]["weight"].numpy())
    one_ulp(changed)
    weights[0].payload["weight"] = tensor(changed, "Float")
    t7convert.save(root, tmp_path / "out.t7")
    report = t7convert.verify(model_of(name), tmp_path / "out.t7")
    bits = [row for row in report.failures if row.kind == "parameter"]

    assert [row.ulps for row in bits] == [1.0]


def test_a_layer_dropped_from_source(made: Any, tmp_path: Path) -> None:
    path = made("checkpoint-table", "py")
    weights = f"{path.stem}.weights.pt"
    shutil.copy(path.with_name(weights), tmp_path / weights)
    text = path.read_text()
    changed = re.sub(r"nn\.(ReLU|Tanh|Sigmoid)\([^)]*\)", "nn.Identity()", text)
    assert changed != text
    (tmp_path / path.name).write_text(changed)
    report = t7convert.verify(model_of("checkpoint-table"), tmp_path / path.name)

    assert not report.ok
    assert report.first is not None


def test_a_layer_dropped_from_graphs(made: Any, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(made(BASIC, "onnx"))
    gone = next(node for node in model.graph.node if node.op_type == "Relu")
    for node in model.graph.node:
        for number, name in enumerate(node.input):
            if name == gone.output[0]:
                node.input[number] = gone.input[0]
    model.graph.node.remove(gone)
    onnx.save(model, tmp_path / "out.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.load(made(BASIC, "pt2"))
        node = next(n for n in program.graph.nodes if "relu" in str(n.target))
        node.replace_all_uses_with(node.args[0])
        program.graph.erase_node(node)
        torch.export.save(program, tmp_path / "out.pt2")
    for kind in ("onnx", "pt2"):
        report = t7convert.verify(model_of(BASIC), tmp_path / f"out.{kind}")

        assert not report.ok
        assert {row.kind for row in report.failures} == {"final"}
