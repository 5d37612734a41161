"""``verify MODEL OUT`` takes every kind of output, and finds what is wrong with each."""

from __future__ import annotations

import json
import lzma
import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

import t7convert
from t7convert import outputs
from t7convert.cli import main
from t7convert.errors import CheckpointError, ParityError, SelectionError
from t7convert.format.objects import LuaObject
from t7convert.parity.report import ParityReport
from tests.build import tensor
from tests.conftest import FIXTURES

#: Everything with tensors; .json has none.
KINDS = ("pt", "pth", "safetensors", "npz", "py", "pt2", "onnx", "t7")
NETS = ("sharesnet-basic", "nngraph-unet", "same-module-twice", "transposed-tie", "nngraph-lstm")
BASIC = "sharesnet-basic"
#: A weight that no normalisation follows, one that a tie has two names for, an early ReLU.
WEIGHT, TIE = "fc.weight", ("layer1.0.conv2.weight", "layer1.1.conv2.weight")


def model_of(name: str) -> Path:
    return next((FIXTURES / "nets" / name).glob("model.t7*"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Return a function that writes an output once."""
    folder = tmp_path_factory.mktemp("outputs")

    def make(name: str, kind: str) -> Path:
        source, out = model_of(name), folder / f"{name}.{kind}"
        if out.exists():
            return out
        if kind == "onnx":
            pytest.importorskip("onnxscript")
        if kind in ("pt", "pth"):
            t7convert.convert(source, out, verify=False, state_dict_only=kind == "pth")
        elif kind == "t7":
            t7convert.to_torch7(make(name, "pt"), out)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the exporters' remarks on themselves
                outputs.write_kind(source, out, kind)
        return out

    return make


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("kind", KINDS)
def test_right_outputs_pass(made: Any, kind: str, name: str) -> None:
    report = t7convert.verify(model_of(name), made(name, kind), gradients=True)
    own = t7convert.verify(model_of(name))

    assert report.ok, str(report)
    assert report.compared >= 2
    places = {row.path for row in own.rows if row.kind in ("parameter", "statistic")}
    assert {row.path for row in report.rows if row.kind in ("parameter", "statistic")} == places
    graph = kind in ("onnx", "pt2")
    assert any("gradients" in text for text in report.limits) is (graph or kind == "t7")
    assert any(row.kind == "gradient" for row in report.rows) is not graph
    assert not (graph and any(row.kind == "output" for row in report.rows))


def test_a_description_proves_nothing_but_is_compared(made: Any, tmp_path: Path) -> None:
    out = made(BASIC, "json")
    report = t7convert.verify(model_of(BASIC), out)

    assert (report.ok, report.compared) == (False, 0)
    assert all(fact.ok for fact in report.facts)
    assert "no values" in report.limits[0]
    content = json.loads(out.read_text())
    content["ties"].pop()
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(content))
    facts = {fact.name: fact for fact in t7convert.verify(model_of(BASIC), changed).facts}
    assert not facts["ties of the output"].ok


# --- planted faults -----------------------------------------------------------------------------


def one_ulp(values: Any) -> None:
    """Move the first entry of an array or tensor to its neighbour."""
    array = values.detach().numpy() if isinstance(values, torch.Tensor) else values
    flat = array.reshape(-1)
    flat[0] = np.nextafter(flat[0], np.float32(np.inf), dtype=np.float32)


def pt_with(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    def plant(path: Path, target: Path) -> None:
        content = torch.load(path, weights_only=True)
        change(content.get("state_dict", content))
        torch.save(content, target)

    return plant


def safetensors_with(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    def plant(path: Path, target: Path) -> None:
        from safetensors import safe_open  # noqa: PLC0415  an optional extra
        from safetensors.torch import save_file  # noqa: PLC0415

        with safe_open(path, framework="pt") as opened:
            metadata = opened.metadata()
            state = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118  no mapping
        aliases = json.loads(metadata["aliases"])
        for alias, key in aliases.items():
            state[alias] = state[key]
        change(state)
        kept = {}
        for alias, key in aliases.items():
            if alias in state and key in state and state[alias] is state[key]:
                kept[alias] = key
                del state[alias]
        save_file(state, target, {**metadata, "aliases": json.dumps(kept)})

    return plant


def npz_with(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    def plant(path: Path, target: Path) -> None:
        with np.load(path) as archive:
            state = {name: archive[name] for name in archive.files}
        aliases = json.loads(str(state.pop("aliases")))
        for alias, key in aliases.items():
            state[alias] = state[key]
        change(state)
        kept = {a: k for a, k in aliases.items() if a in state and state[a] is state.get(k)}
        written = {key: array for key, array in state.items() if key not in kept}
        np.savez(target, aliases=json.dumps(kept), **written)

    return plant


def py_with(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    def plant(path: Path, target: Path) -> None:
        shutil.copy(path, target)
        weights = target.with_name(f"{path.stem}.weights.pt")
        state = torch.load(path.with_name(weights.name), weights_only=True)
        change(state)
        torch.save(state, weights)

    return plant


def pt2_with(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    def plant(path: Path, target: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.load(path)
            change(program.state_dict)
            torch.export.save(program, target)

    return plant


def onnx_with(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    def plant(path: Path, target: Path) -> None:
        onnx = pytest.importorskip("onnx")
        model = onnx.load(path)
        state = {
            entry.name: np.array(onnx.numpy_helper.to_array(entry))
            for entry in model.graph.initializer
        }
        change(state)
        del model.graph.initializer[:]
        for name, array in state.items():
            model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
        onnx.save(model, target)

    return plant


CHANGERS = {
    "pt": pt_with,
    "pth": pt_with,
    "safetensors": safetensors_with,
    "npz": npz_with,
    "py": py_with,
    "pt2": pt2_with,
    "onnx": onnx_with,
}


def lua_weights(obj: LuaObject) -> list[LuaObject]:
    found = [obj] if isinstance(obj.get("weight"), t7convert.LuaTensor) else []
    modules = obj.get("modules")
    for child in modules.list() if modules is not None else ():
        found += lua_weights(child)
    return found


def planted(made: Any, tmp_path: Path, kind: str, change: Callable[[Any], None]) -> ParityReport:
    path = made(BASIC, kind)
    target = tmp_path / path.name
    CHANGERS[kind](change)(path, target)
    return t7convert.verify(model_of(BASIC), target)


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


def split(state: dict[str, Any]) -> None:
    first = state[TIE[0]]
    if isinstance(first, nn.Parameter):
        state[TIE[1]] = nn.Parameter(first.detach().clone())
    else:
        state[TIE[1]] = first.clone() if isinstance(first, torch.Tensor) else first.copy()


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


# --- a layer dropped ----------------------------------------------------------------------------


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


# --- what people do -----------------------------------------------------------------------------


def test_an_output_up_to_a_module_says_so(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.pt", tmp_path / "part.pt"
    t7convert.convert(model_of(BASIC), whole, verify=False)
    t7convert.convert(model_of(BASIC), part, verify=False, until="modules[4]")

    assert t7convert.verify(model_of(BASIC), part).ok
    assert t7convert.verify(model_of(BASIC), part, until="modules[4]").ok
    with pytest.raises(SelectionError, match=r"holds the whole network.*without --until"):
        t7convert.verify(model_of(BASIC), whole, until="modules[4]")
    with pytest.raises(SelectionError, match=r"up to modules\[4\], not the part up to"):
        t7convert.verify(model_of(BASIC), part, until="modules[3]")


def test_a_graph_of_fixed_shape_gets_inputs_of_it(tmp_path: Path) -> None:
    out = tmp_path / "out.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs.write_kind(model_of(BASIC), out, "pt2", dynamic=False, input_shape=(1, 3, 48, 33))
    report = t7convert.verify(model_of(BASIC), out)

    assert report.ok, str(report)
    assert list(report.inputs.values()) == ["1x3x48x33"]


def test_a_graph_runs_in_its_own_dtype(tmp_path: Path) -> None:
    out = tmp_path / "out.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs.write_kind(model_of("checkpoint-table"), out, "pt2", dtype="float64")
    report = t7convert.verify(model_of("checkpoint-table"), out)

    assert report.ok, str(report)
    assert report.dtype == "float64"
    assert "--dtype float32: the graph runs in float64 on the CPU" in report.limits


@pytest.mark.parametrize("kind", ["npz", "safetensors", "pth"])
def test_tensors_of_another_dtype_are_compared_after_the_cast(tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"out.{kind}"
    if kind == "pth":
        t7convert.convert(model_of(BASIC), out, dtype="float16", verify=False, state_dict_only=True)
    else:
        outputs.write_kind(model_of(BASIC), out, kind, dtype="float16")
    report = t7convert.verify(model_of(BASIC), out, dtype="float16")

    assert report.ok, str(report)


def test_a_t7_of_another_type(made: Any, tmp_path: Path) -> None:
    out = tmp_path / "out.t7"
    t7convert.to_torch7(made(BASIC, "pt"), out, type="double")

    assert t7convert.verify(model_of(BASIC), out).ok


def test_untied_safetensors_are_compared_name_by_name(tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    outputs.write_kind(model_of(BASIC), out, "safetensors", untie=True)
    report = t7convert.verify(model_of(BASIC), out)

    assert report.ok
    assert "untied" in report.limits[0]


@pytest.mark.parametrize("kind", ["npz", "json", "py", "pt2", "onnx", "t7"])
def test_files_that_are_none_are_named(tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"out.{kind}"
    out.write_bytes(b"\x00\x01nothing of the kind\xff")
    if kind == "onnx":
        pytest.importorskip("onnx")
    with pytest.raises(t7convert.T7Error, match=re.escape(str(out))):
        t7convert.verify(model_of(BASIC), out)
    if kind == "py":
        out.write_text("x = 1\n")
        with pytest.raises(CheckpointError, match="no load"):
            t7convert.verify(model_of(BASIC), out)


def test_assert_parity_still_fails_as_an_assertion(made: Any) -> None:
    from t7convert.testing import assert_parity  # noqa: PLC0415

    with pytest.raises(ParityError):
        assert_parity(t7convert.to_module(model_of("resnet-basic")), model_of(BASIC))


def test_a_shrunk_file_with_several_networks(tmp_path: Path) -> None:
    one, two = t7convert.load(model_of("transposed-tie")), t7convert.load(model_of("resnet-basic"))
    t7convert.save({"first": one, "second": two, "epoch": 3}, tmp_path / "both.t7")
    command = ["shrink", str(tmp_path / "both.t7"), str(tmp_path / "small.t7"), "--gradients"]
    assert CliRunner().invoke(main, command).exit_code == 0
    packed = tmp_path / "small.t7.xz"
    packed.write_bytes(lzma.compress((tmp_path / "small.t7").read_bytes()))

    assert t7convert.verify(tmp_path / "both.t7", packed, select="first").ok
    assert t7convert.verify(tmp_path / "both.t7", packed, select="second").ok
    with pytest.raises(SelectionError):
        t7convert.verify(tmp_path / "both.t7", packed)
