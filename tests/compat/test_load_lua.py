"""load_lua: what it returns is used as in PyTorch before 1.0."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import pytest
import torch

import t7convert
from t7convert.compat import LuaFunction, T7ReaderException, TorchObject, load_lua, nn
from t7convert.compat.indices import RENAMED, SHIFTED
from t7convert.errors import ConversionError, NotTorch7Error
from t7convert.format.objects import LuaFunction as Function
from t7convert.format.objects import LuaObject
from tests.build import linear, obj, sequential, storage, table, tensor, view
from tests.conftest import FIXTURES

CLASSES = sorted({*SHIFTED, *RENAMED, "BatchNormalization", "Profile", "SpatialConvolution"})
NETS = sorted(path.name for path in (FIXTURES / "nets").iterdir())


def fixture(name: str, kind: str) -> Path:
    """Return a file of a network."""
    return next((FIXTURES / "nets" / name).glob(f"{kind}.t7*"))


def loaded(root: Any, tmp_path: Path, **options: Any) -> Any:
    """Return what load_lua makes of Lua objects."""
    t7convert.save(root, tmp_path / "file.t7", force=True)
    return load_lua(str(tmp_path / "file.t7"), **options)


def flat(value: Any) -> list[torch.Tensor]:
    """Return the tensors of nested lists."""
    value = list(value.values()) if isinstance(value, dict) else value
    return [value] if torch.is_tensor(value) else [t for item in value for t in flat(item)]


@pytest.mark.parametrize("name", NETS)
def test_networks_compute_what_torch7_computed(name: str) -> None:
    truth, net = load_lua(fixture(name, "io")), load_lua(fixture(name, "model"))
    net = net.model if isinstance(net, dict) else net
    net.evaluate()
    output = net.forward(truth.input)
    gradient = net.backward(truth.input, truth.gradOutput)
    for have, want in zip(flat(output), flat(truth.output), strict=True):
        torch.testing.assert_close(have, want, rtol=1e-5, atol=1e-6)
    double = net.double().backward(_doubled(truth.input), _doubled(truth.gradOutput))
    for have, want in zip(flat(double), flat(truth.gradInput64), strict=True):
        torch.testing.assert_close(have, want, rtol=1e-9, atol=1e-9 * float(want.abs().max()))
    assert net.output is not None
    assert len(flat(gradient)) == len(flat(net.gradInput))


@pytest.mark.parametrize("name", CLASSES)
def test_modules_compute_what_torch7_computed(name: str) -> None:
    if not (FIXTURES / f"layers/{name}.t7.xz").exists():
        pytest.fail("no fixture of this class")
    for case in load_lua(FIXTURES / f"layers/{name}.t7.xz").cases:
        if case.random:
            continue
        (case.module.training if case.mode == "training" else case.module.evaluate)()
        output = case.module.forward(case.input)
        for have, want in zip(flat(output), flat(case.output), strict=True):
            torch.testing.assert_close(have, want, rtol=1e-9, atol=1e-9)


def _doubled(value: Any) -> Any:
    return value.double() if torch.is_tensor(value) else [_doubled(item) for item in value]


def test_tables_are_lists_and_dicts(tmp_path: Path) -> None:
    inner = table(1, 2.5, "x", True)
    root = table(items=inner, again=inner, empty=table(), deep=table(opt=table(lr=0.1)))
    root[7] = None
    got = loaded(root, tmp_path)

    assert type(got).__name__ == "hashable_uniq_dict"
    assert got.items_ is None
    assert got["items"] == [1, 2.5, "x", True]
    assert isinstance(got["items"][0], int)
    assert got["again"] is got["items"]
    assert got.empty == []
    assert got.deep.opt.lr == 0.1
    assert got.nothing is None
    assert got == got  # noqa: PLR0124  by identity
    assert got != dict(got)
    assert {got: 1}[got] == 1
    assert copy.deepcopy(got)["deep"].opt.lr == 0.1


def test_a_table_may_hold_itself(tmp_path: Path) -> None:
    root = table(name="root")
    root["me"] = root

    got = loaded(root, tmp_path)
    assert got.me.me is got


def test_one_and_true_would_be_one_key(tmp_path: Path) -> None:
    root = table(x=0)
    root[1], root[True] = "a", "b"

    with pytest.raises(T7ReaderException, match="are keys"):
        loaded(root, tmp_path)


def test_tensors_share_memory_as_in_lua(tmp_path: Path) -> None:
    memory = storage(range(6), "Float")
    root = table(a=view(memory, (2, 3)), b=view(memory, (3,), (2,), 1), s=memory, e=tensor([]))
    got = loaded(root, tmp_path)
    got.a[0, 1] = 50

    assert got.a.dtype == torch.float32
    assert got.b.tolist() == [50, 3, 5]
    assert got.s.tolist() == [0, 50, 2, 3, 4, 5]
    assert got.e.numel() == 0


def test_fields_are_those_of_the_network_that_runs(tmp_path: Path) -> None:
    net = loaded(sequential(linear(2, 3), obj("nn.ReLU", val=0, threshold=0)), tmp_path)
    x = torch.ones(1, 2, dtype=torch.float64)
    first = net.forward(x)

    assert type(net.get(0)).__name__ == "Linear"
    assert isinstance(net.get(0), nn.Linear)
    assert isinstance(net, nn.Module)
    assert net.get(1).value == 0
    assert len(net) == net.size() == len(net.modules) == 2
    torch.testing.assert_close(first, (x @ net.modules[0].weight.T + net.get(0).bias).relu())
    net.get(0).weight.zero_()
    net.get(0).bias.fill_(2)
    assert net.forward(x).tolist() == [[2, 2, 2]]
    assert net.output.tolist() == net.modules[0].output.tolist() == [[2, 2, 2]]
    net.get(0).bias = torch.full((3,), 4.0, dtype=torch.float64)
    assert net.forward(x).tolist() == [[4, 4, 4]]
    assert net.get(0).forward(x).tolist() == [[4, 4, 4]]


def test_ties_are_kept_through_casts_and_copies(tmp_path: Path) -> None:
    weight = tensor([[1.0, 2.0], [3.0, 4.0]])
    root = sequential(linear(2, 2, weight=weight), linear(2, 2, weight=weight))
    net = loaded(root, tmp_path)
    for changed in (net, net.float(), net.clone(), net.double(), net.half().float()):
        weights, gradients = changed.parameters()
        assert len(weights) == len(gradients) == 4
        assert weights[0].data_ptr() == weights[2].data_ptr()
        assert len(list(changed.network.parameters())) == 3
    assert net.type() == "torch.FloatTensor"
    assert net.cpu().get(0).weight.device.type == "cpu"
    assert net.type(torch.float32) is net
    assert net.forward(torch.ones(1, 2)).dtype == torch.float32
    with pytest.raises(ValueError, match="no type of modules"):
        net.type("torch.LongTensor")


def test_saving_with_torch_keeps_modules(tmp_path: Path) -> None:
    net = loaded(sequential(linear(2, 2)), tmp_path)
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    again = torch.load(file, weights_only=False)
    x = torch.ones(1, 2, dtype=torch.float64)

    assert type(again) is type(net)
    assert torch.equal(again.forward(x), net.forward(x))


def test_containers_can_be_changed(tmp_path: Path) -> None:
    net = loaded(sequential(linear(2, 3), linear(3, 4), linear(4, 5)), tmp_path)
    x = torch.ones(1, 2, dtype=torch.float64)
    whole = net.forward(x)
    last = net.remove()
    assert net.forward(x).shape == (1, 4)
    net.modules = net.modules[:1]
    assert net.forward(x).shape == (1, 3)
    net.modules.append(last)
    with pytest.raises(RuntimeError):
        net.forward(x)
    net.remove()
    net.insert(0, nn.Sequential())
    assert net.forward(x).shape == (1, 3)
    outer = nn.Sequential().add(loaded(sequential(linear(2, 3)), tmp_path))
    assert outer.forward(x).shape == (1, 3)
    assert whole.shape == (1, 5)
    with pytest.raises(TypeError, match="comes from files only"):
        nn.Linear()
    with pytest.raises(AttributeError, match=r"no Lua class nn\.NoSuchThing"):
        nn.NoSuchThing  # noqa: B018


def test_positions_count_from_0_as_load_lua_had_them(tmp_path: Path) -> None:
    swaps = table(table(2, 3))
    root = table(
        obj("nn.Transpose", permutations=swaps, numPermutations=1),
        obj("nn.Transpose", permutations=swaps, numPermutations=1),
        obj("nn.Select", dimension=2, index=-1),
        obj("nn.Sum", dimension=1),
        obj("nn.Sum", dimension=-1),
        obj("nn.Unsqueeze", pos=2),
    )
    first, second, select, total, last, unsqueeze = loaded(root, tmp_path)
    x = torch.arange(24.0).view(2, 3, 4)

    assert first.permutations == second.permutations == [[1, 2]]
    assert (select.dimension, select.index) == (1, -2)
    assert (total.dimension, last.dimension) == (0, -1)
    assert unsqueeze.dim == 1
    torch.testing.assert_close(second.forward(x), x.transpose(1, 2))
    torch.testing.assert_close(select.forward(x), x[:, -1])
    torch.testing.assert_close(total.forward(x), x.sum(0))
    torch.testing.assert_close(last.forward(x), x.sum(-1))
    torch.testing.assert_close(unsqueeze.forward(x), x.unsqueeze(1))
    total.dimension = 1
    torch.testing.assert_close(total.forward(x), x.sum(1))


def test_training_and_evaluation_are_those_of_the_file_and_of_the_user(tmp_path: Path) -> None:
    norm = obj("nn.BatchNormalization", version=1, eps=0.5, momentum=0.1, affine=False, train=False)
    norm.fields["running_mean"] = tensor([1.0])
    norm.fields["running_std"] = tensor([0.5])
    net = loaded(sequential(norm), tmp_path)
    x = torch.tensor([[1.0], [3.0]], dtype=torch.float64)

    assert net.get(0).running_var.tolist() == [3.5]
    assert net.get(0).running_std is None
    assert net.forward(x).tolist() == [[0], [1]]
    net.training()
    assert net.forward(x).sum().abs() < 1e-12
    assert net.get(0).running_mean.item() == pytest.approx(1.1)
    net.evaluate()
    assert net.get(0).train is False


def test_unknown_classes(tmp_path: Path) -> None:
    root = table(net=sequential(linear(1, 1), obj("my.Layer", scale=2)))
    with pytest.raises(T7ReaderException, match=r"net\.modules\[2\]: my\.Layer: nobody knows"):
        loaded(root, tmp_path)
    got = loaded(root, tmp_path, unknown_classes=True)
    layer = got.net.get(1)

    assert isinstance(layer, TorchObject)
    assert layer.torch_typename() == "my.Layer"
    assert (layer.scale, layer["scale"], layer.other) == (2, 2, None)
    assert dir(layer) == ["scale", "torch_typename"]
    assert str(layer).startswith("TorchObject(my.Layer, ")
    with pytest.raises(ConversionError, match=r"my\.Layer"):
        got.net.forward(torch.ones(1, 1))


def test_functions_and_fields_that_are_missing(tmp_path: Path) -> None:
    layer = linear(1, 1)
    layer.fields["callback"] = Function(b"code", table(5))
    net = loaded(layer, tmp_path)

    assert isinstance(net.callback, LuaFunction)
    assert (net.callback.size, net.callback.upvalues) == (4, [5])
    assert repr(net.callback) == "LuaFunction(size=4)"
    assert net.gradWeight is None
    with pytest.raises(AttributeError, match="Linear has no field or method 'wieght'"):
        net.wieght  # noqa: B018
    net.weight = "no tensor"
    with pytest.raises(ConversionError):
        net.forward(torch.ones(1, 1))
    net.weight = torch.ones(1, 1, dtype=torch.bfloat16)
    with pytest.raises(ConversionError, match="bfloat16, which Lua doesn't have"):
        net.forward(torch.ones(1, 1))
    net.weight = object()
    with pytest.raises(ConversionError, match="holds object"):
        net.forward(torch.ones(1, 1))


def test_finding_modules(tmp_path: Path) -> None:
    net = loaded(sequential(linear(1, 1), sequential(linear(1, 1))), tmp_path)
    found, holders = net.findModules("nn.Linear")

    assert [type(module).__name__ for module in net.listModules()] == [
        "Sequential",
        "Linear",
        "Sequential",
        "Linear",
    ]
    assert found == [net.get(0), net.get(1).get(0)]
    assert holders == [net, net.get(1)]
    assert repr(net).splitlines()[1] == "  (0): nn.Linear"
    net.forward(torch.ones(1, 1, dtype=torch.float64))
    assert net.clearState().output.numel() == 0


def test_what_is_no_lua_file(tmp_path: Path) -> None:
    (tmp_path / "x.t7").write_bytes(b"<html>no model</html>")
    with pytest.raises(NotTorch7Error):
        load_lua(tmp_path / "x.t7")
    assert load_lua(FIXTURES / "nets/sharesnet-basic/model.t7", long_size=8)


def test_criterions_take_an_input_and_a_target() -> None:
    for case in load_lua(FIXTURES / "layers/MSECriterion.t7.xz").cases:
        assert float(case.module.forward(case.input, case.target)) == pytest.approx(case.loss)


def test_gradients_in_training_belong_to_the_forward_before(tmp_path: Path) -> None:
    net = loaded(sequential(linear(2, 3), obj("nn.Dropout", p=0.5, v2=True)), tmp_path)
    net.training()
    x = torch.ones(4, 2, dtype=torch.float64)
    torch.manual_seed(0)
    output = net.forward(x)
    gradient = net.backward(x, torch.ones_like(output))
    kept = (output != 0).to(torch.float64) * 2

    torch.testing.assert_close(gradient, kept @ net.get(0).weight)
    torch.testing.assert_close(net.gradInput, gradient)
    weight = net.network.get_parameter("0.weight")
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, kept.T @ x)
    assert not output.requires_grad


def test_hashes_and_vectors_of_tds(tmp_path: Path) -> None:
    root = table(
        hash=LuaObject("tds.Hash", table(a=1), version=0),
        vec=LuaObject("tds.Vec", table("x", "y"), version=0),
    )
    got = loaded(root, tmp_path)

    assert dict(got.hash) == {"a": 1}
    assert got.vec == ["x", "y"]
