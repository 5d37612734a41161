"""load_lua: what it returns is used as in PyTorch before 1.0."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from t7convert.compat import LuaFunction, T7ReaderException, TorchObject, load_lua
from t7convert.compat.indices import RENAMED, SHIFTED
from t7convert.errors import ConversionError, NotTorch7Error
from t7convert.format.objects import LuaFunction as Function
from t7convert.format.objects import LuaObject
from tests.build import linear, obj, sequential, storage, table, tensor, view
from tests.compat.loaded import loaded
from tests.conftest import FIXTURES

CLASSES = sorted({*SHIFTED, *RENAMED, "BatchNormalization", "Profile", "SpatialConvolution"})
NETS = sorted(path.name for path in (FIXTURES / "nets").iterdir())


def fixture(name: str, kind: str) -> Path:
    """Return a file of a network."""
    return next((FIXTURES / "nets" / name).glob(f"{kind}.t7*"))


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


def test_what_is_no_lua_file(tmp_path: Path) -> None:
    (tmp_path / "x.t7").write_bytes(b"<html>no model</html>")
    with pytest.raises(NotTorch7Error):
        load_lua(tmp_path / "x.t7")
    assert load_lua(FIXTURES / "nets/sharesnet-basic/model.t7", long_size=8)


def test_hashes_and_vectors_of_tds(tmp_path: Path) -> None:
    root = table(
        hash=LuaObject("tds.Hash", table(a=1), version=0),
        vec=LuaObject("tds.Vec", table("x", "y"), version=0),
    )
    got = loaded(root, tmp_path)

    assert dict(got.hash) == {"a": 1}
    assert got.vec == ["x", "y"]
