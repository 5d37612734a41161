"""What the check compares, what fails it, what it says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import t7convert
from t7convert.api import to_converted
from t7convert.errors import CheckpointError, ParityError, SelectionError
from t7convert.inputs.drawing import Trial
from t7convert.lua import find
from t7convert.parity.check import Options, check_network
from t7convert.parity.junit import junit
from t7convert.parity.opening import opens
from t7convert.parity.report import ParityReport, Row
from t7convert.testing import assert_parity
from tests.build import linear, obj, sequential, table, tensor
from tests.conftest import FIXTURES, SHARED
from tests.graphs import Graph

NETS = sorted(path.name for path in (FIXTURES / "nets").iterdir())
BASIC = next((FIXTURES / "nets/sharesnet-basic").glob("model.t7*"))


def model_of(name: str) -> Path:
    return next((FIXTURES / "nets" / name).glob("model.t7*"))


@pytest.mark.parametrize("name", NETS)
def test_nets_verify_with_gradients_and_torch7s_output(name: str) -> None:
    folder = FIXTURES / "nets" / name
    io = next(folder.glob("io.t7*"))
    report = t7convert.verify(model_of(name), input=io, expected=io, gradients=True)

    assert report.ok, str(report)
    assert {"parameter", "output", "final", "gradient", "recorded"} <= {r.kind for r in report.rows}
    assert report.parser == "torchfile"


def test_kept_activations_witness_where_the_weights_are_the_same() -> None:
    model = model_of("sharesnet-notcleared")
    rows = [r for r in t7convert.verify(model).rows if r.kind == "activation"]

    assert sum(row.status == "ok" for row in rows) > 10  # others ran in training mode
    assert not any(row.bad for row in rows)


def test_activations_of_other_weights_are_stale_and_fail_nothing() -> None:
    module = linear(3, 2)
    module.payload = table(**dict(module.payload), output=tensor(np.ones((1, 2))))
    first = obj("nn.Identity", output=tensor(np.ones((1, 3))))
    converted = to_converted(sequential(first, module))
    given = [Trial("x", np.ones((1, 3)))]
    report = check_network(converted.tree, converted, Options(), trials=given)

    assert [r.status for r in report.rows if r.kind == "activation"] == ["stale"]
    assert report.ok


def test_an_output_of_any_bits_is_stale() -> None:
    """Lua makes tensors of memory as it finds it: signalling NaN too, which NumPy warns about."""
    bits = np.array([[0x7F800001, 0x7F800001]], np.uint32).view(np.float32)
    module = linear(3, 2)
    module.payload = table(**dict(module.payload), output=tensor(bits, "Float"))
    first = obj("nn.Identity", output=tensor(np.ones((1, 3))))
    converted = to_converted(sequential(first, module))
    given = [Trial("x", np.ones((1, 3)))]
    report = check_network(converted.tree, converted, Options(), trials=given)

    assert [r.status for r in report.rows if r.kind == "activation"] == ["stale"]


def test_an_input_that_lua_does_not_go_back_with_is_told() -> None:
    """SplitTable.lua copies the gradient of every entry; nngraph's split reads two of three."""
    graph = Graph()
    pieces = graph.split(graph.node(obj("nn.SplitTable", dimension=2), graph.input()), 2)
    converted = to_converted(graph.finish(graph.node(obj("nn.CAddTable"), *pieces)))
    given = [Trial("x", np.ones((2, 3)))]

    assert check_network(converted.tree, converted, Options(), trials=given).ok
    with pytest.raises(SelectionError, match="backward pass does not take this input"):
        check_network(converted.tree, converted, Options(gradients=True), trials=given)


def test_a_lost_tie_fails() -> None:
    converted = to_converted(BASIC)
    network = converted.network
    key = converted.ties()[0][1]
    owner = network.get_submodule(key.rpartition(".")[0])
    owner.weight = nn.Parameter(owner.weight.detach().clone())
    report = check_network(converted.tree, converted, Options())

    assert not report.ok
    assert [fact.name for fact in report.facts if not fact.ok] == [
        "parameters counted once",
        "ties",
    ]
    assert "lost: " in report.facts[1].detail


def test_a_bias_off_by_a_millionth_is_named() -> None:
    converted = to_converted(BASIC)
    name, bias = next((n, p) for n, p in converted.network.named_parameters() if n.endswith("bias"))
    with torch.no_grad():
        bias[0] += 1e-6
    report = check_network(converted.tree, converted, Options())
    path = next(b.path for b in converted.bindings if b.key == name)

    assert {row.path for row in report.failures if row.kind == "parameter"} == {f"{path}.bias"}
    assert report.first is None or report.first.path >= path


def test_nan_on_one_side_fails_and_on_both_passes() -> None:
    tree = to_converted(sequential(obj("nn.Sqrt", eps=0))).tree
    both = to_converted(sequential(obj("nn.Sqrt", eps=0)))
    given = [Trial("negative", np.array([[-1.0, 4.0]]))]

    assert check_network(tree, both, Options(), trials=given).ok
    one = to_converted(sequential(obj("nn.Abs")))
    report = check_network(tree, one, Options(), trials=given)
    assert not report.ok
    assert report.failures[-1].absolute == np.inf


def test_a_network_that_raises_where_lua_computes_fails() -> None:
    converted = to_converted(sequential(linear(3, 2)))

    class Broken(nn.Module):
        def forward(self, x: Any) -> Any:
            raise ValueError("no")

    converted.network[0] = Broken()  # type: ignore[index]  # a Sequential is indexable
    given = [Trial("x", np.ones((1, 3)))]
    report = check_network(converted.tree, converted, Options(), trials=given)

    assert not report.ok
    assert "the network raises ValueError: no" in report.failures[-1].note


def test_comparing_nothing_is_a_failure() -> None:
    report = ParityReport("a", "", "", "cpu", "float32", 0, {}, (), ())

    assert not report.ok
    assert "nothing was compared" in str(report)
    assert 'failures="1"' in junit(report)


def test_unchecked_classes_fail_unless_allowed(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import t7convert\nfrom torch import nn\n"
        "@t7convert.converts('my.Own')\ndef own(layer):\n    return nn.Identity()\n"
    )
    model = tmp_path / "m.t7"
    t7convert.save(
        sequential(
            linear(3, 2), obj("my.Own", output=tensor(np.ones(2)), _type="torch.FloatTensor")
        ),
        model,
    )
    options = {"plugins": [plugin], "input_shape": (1, 3)}
    report = t7convert.verify(model, **options)

    assert not report.ok
    assert [row.typename for row in report.unchecked] == ["my.Own"]
    assert 'failures="1"' in junit(report).replace('failures="2"', 'failures="1"')


def test_outputs_are_opened_by_suffix(tmp_path: Path) -> None:
    out = tmp_path / "out.pt"
    made = t7convert.convert(BASIC, out)

    assert made.parity["result"] == "passed"
    assert t7convert.verify(BASIC, out).ok
    assert torch.load(out, weights_only=True)["provenance"]["parity"]["result"] == "passed"
    with pytest.raises(CheckpointError, match=r"kinds that can are .*\.pt"):
        t7convert.verify(BASIC, shutil.copy(out, tmp_path / "out.xyz"))
    with pytest.raises(ValueError, match=r"\.pt is opened by"):
        opens(".pt")(lambda wish: None)  # type: ignore[arg-type,return-value]


def test_another_networks_file_fails(tmp_path: Path) -> None:
    out = tmp_path / "out.pt"
    t7convert.convert(model_of("resnet-basic"), out, verify=False)
    report = t7convert.verify(BASIC, out)

    assert not report.ok


def test_a_failed_check_leaves_no_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lie(*args: Any, **extra: Any) -> ParityReport:
        row = Row("output", "modules[1]", "nn.Linear", "x", "differs", 1.0, 1.0, 1.0, 1e-6)
        return ParityReport("a", "", "", "cpu", "float32", 0, {}, (row,), ())

    monkeypatch.setattr("t7convert.parity.proof.check_network", lie)
    with pytest.raises(ParityError, match=r"modules\[1\]"):
        t7convert.convert(BASIC, tmp_path / "out.pt")

    assert not list(tmp_path.iterdir())
    assert t7convert.convert(BASIC, tmp_path / "out.pt", verify=False).parity == {
        "result": "not asked for"
    }


def test_large_networks_are_not_checked_by_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("t7convert.parity.proof.AFFORDABLE", 1000)
    made = t7convert.convert(BASIC, tmp_path / "out.pt")

    assert made.parity["result"] == "skipped"
    assert "too large" in made.parity["reason"]
    assert t7convert.convert(BASIC, tmp_path / "b.pt", verify=True).parity["result"] == "passed"


def test_assert_parity_passes_names_and_restores() -> None:
    model = t7convert.to_module(BASIC).train()
    report = assert_parity(model, BASIC)

    assert report.compared >= 3
    assert all(module.training for module in model.modules())
    key, weight = next(iter(model.named_parameters()))
    with torch.no_grad():
        weight[(0,) * weight.dim()] += 1e-6
    with pytest.raises(AssertionError, match=key):
        assert_parity(model, BASIC)


def test_assert_parity_sees_a_lost_tie() -> None:
    model = t7convert.to_module(BASIC)
    key = to_converted(BASIC).ties()[0][1]
    owner = model.get_submodule(key.rpartition(".")[0])
    owner.weight = nn.Parameter(owner.weight.detach().clone())
    with pytest.raises(ParityError, match="lost: "):
        assert_parity(model, BASIC)


def test_json_follows_its_documented_schema() -> None:
    data = json.loads(json.dumps(t7convert.verify(BASIC).to_json()))
    text = (Path(__file__).parents[2] / "docs/parity.md").read_text()

    assert data["ok"] is True
    for name in (*data, *data["rows"][0], *data["facts"][0]):
        assert f"`{name}`" in text, name


def published() -> list[tuple[Path, str]]:
    """Return every network of every intact file that people published: (file, path in it)."""
    found = []
    files = (SHARED / "zoo").rglob("*") if SHARED.is_dir() else ()
    for path in sorted(file for file in files if file.is_file()):
        try:
            root = t7convert.load(path)
        except t7convert.T7FormatError:
            continue  # the impostors, and two damaged files; tests/format names them
        found += [(path, place) for place, _ in find.models(root)]
    return found


#: A size that the modules alone don't tell: five strides and a View of 48 x 1 x 17.
SHAPES = {"model.t7b": (2, 1, 125, 637)}


@pytest.mark.slow
@pytest.mark.parametrize(("path", "place"), published(), ids=lambda value: Path(value).name)
def test_published_models_verify(path: Path, place: str) -> None:
    report = t7convert.verify(path, select=place or None, input_shape=SHAPES.get(path.name))

    assert report.ok, str(report)


def test_what_is_random_in_lua_too_is_unchecked(tmp_path: Path) -> None:
    (case,) = t7convert.load(FIXTURES / "layers/SpatialFractionalMaxPooling.t7.xz")["cases"].list()[
        :1
    ]
    module = case["module"]
    module.fields.pop("randomSamples", None)
    t7convert.save(module, tmp_path / "m.t7")
    report = t7convert.verify(tmp_path / "m.t7", input_shape=(1, 3, 9, 9))

    assert not report.ok
    assert [row.status for row in report.rows if row.kind == "output"] == ["unchecked"]
