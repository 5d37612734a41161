"""Running the converters: everything is bound, everything missing is listed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import t7convert
from t7convert.conversion import Layer, convert_tree, converts
from t7convert.conversion.plugins import PluginError, loaded
from t7convert.errors import ArchitectureError, ConversionError
from t7convert.format.objects import LuaFunction
from t7convert.lua.tree import build
from tests.build import linear, obj, sequential, table, tensor

PLUGIN = '''
"""A plugin."""
import torch
from torch import nn
from t7convert import converts

class Scale(nn.Module):
    def __init__(self, features, power):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(features))
        self.power = power
    def forward(self, x):
        return (x * self.weight) ** self.power

@converts("my.Scale"{extra})
def scale(m):
    module = Scale(m.shape("weight")[0], m.number("power"))
    m.bind("weight", module)
    return module
'''


def scale() -> object:
    """Return an object of a class that only the plugin knows."""
    return obj("my.Scale", weight=tensor([2.0, 3.0]), power=2, output=0, gradInput=0)


def test_every_unknown_class_is_listed_with_its_path() -> None:
    nested = obj("my.Container", modules=table(obj("my.Inner", output=0, gradInput=0)))
    root = table(net=sequential(linear(1, 1), obj("my.First", output=0, gradInput=0), nested))

    with pytest.raises(ConversionError) as caught:
        t7convert.to_module(root)
    assert [(p.typename, p.path) for p in caught.value.problems] == [
        ("my.First", "net.modules[2]"),
        ("my.Container", "net.modules[3]"),
        ("my.Inner", "net.modules[3].modules[1]"),
    ]
    assert caught.value.exit_code == 3


def test_allow_missing_warns_and_the_stand_in_raises() -> None:
    root = sequential(linear(1, 1), obj("my.First", output=0, gradInput=0))
    with pytest.warns(UserWarning, match=r"modules\[2\]: my.First"):
        network = t7convert.to_module(root, allow_missing=True)

    assert network[0](torch.ones(1, dtype=torch.float64)).shape == (1,)
    with pytest.raises(RuntimeError, match=r"modules\[2\]: my.First was not converted"):
        network(torch.ones(1, dtype=torch.float64))


def test_a_function_that_overrides_forward_is_refused() -> None:
    module = linear(1, 1)
    module.fields["updateOutput"] = LuaFunction(b"\x1bLJ")

    with pytest.raises(ConversionError, match="overrides its updateOutput by a Lua function"):
        t7convert.to_module(module)


def test_the_shared_marker_of_2016_is_no_override() -> None:
    module = linear(1, 1)
    module.fields["accUpdateGradParameters"] = LuaFunction(b"\x1bLJ")

    assert isinstance(t7convert.to_module(module), nn.Linear)


def test_a_parameter_that_no_converter_binds_is_an_error() -> None:
    with loaded():

        @converts("my.Forgetful", parameters="weight")
        def forgetful(m: Layer) -> nn.Module:
            return nn.Identity()

        root = obj("my.Forgetful", weight=tensor([1.0]))
        with pytest.raises(ConversionError, match=r"its parameter weight has no place"):
            convert_tree(build(root))


def test_a_tensor_that_no_converter_fills_is_an_error() -> None:
    with loaded():

        @converts("my.Lazy", parameters="", constants={})
        def lazy(m: Layer) -> nn.Module:
            return nn.Linear(2, 2)

        with pytest.raises(
            ConversionError, match=r"my\.Lazy: nothing in the file gives the network's weight"
        ):
            convert_tree(build(obj("my.Lazy")))


@pytest.mark.parametrize("extra", ["", ', parameters="weight", constants={"power": 1}'])
def test_a_plugin_file_converts_its_class(tmp_path: Path, extra: str) -> None:
    plugin = tmp_path / "my_layers.py"
    plugin.write_text(PLUGIN.replace("{extra}", extra))
    network = t7convert.to_module(scale(), plugins=[plugin])

    assert network(torch.ones(2, dtype=torch.float64)).tolist() == [4.0, 9.0]
    with pytest.raises(ConversionError, match="no converter for this class"):
        t7convert.to_module(scale())  # a plugin serves the call that names it


def test_load_model_without_the_plugin_names_the_class(tmp_path: Path) -> None:
    plugin = tmp_path / "my_layers.py"
    plugin.write_text(PLUGIN.replace("{extra}", ""))
    t7convert.convert(scale(), tmp_path / "out.pt", plugins=[plugin])

    with pytest.raises(ConversionError, match=r"my\.Scale: there is no converter"):
        t7convert.load_model(tmp_path / "out.pt")
    network = t7convert.load_model(tmp_path / "out.pt", plugins=[plugin])
    assert network(torch.ones(2, dtype=torch.float64)).tolist() == [4.0, 9.0]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("absent.py", None, "there is no such file"),
        ("broken.py", "1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_plugin_that_fails_says_why(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(PluginError, match=message):
        t7convert.to_module(linear(1, 1), plugins=[tmp_path / name])


def test_registering_a_class_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"nn\.Linear is already converted by"):
        converts("nn.Linear")(lambda m: nn.Identity())


def test_arch_sharesnet_on_another_network_says_why() -> None:
    with pytest.raises(ArchitectureError):
        t7convert.to_module(sequential(linear(1, 1)), arch="sharesnet")


def test_conversion_leaves_the_random_state_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    t7convert.to_module(linear(3, 3))

    assert torch.equal(torch.rand(1), expected)


def test_a_network_comes_in_evaluation_mode() -> None:
    bn = {"running_mean": tensor([0.0]), "running_var": tensor([1.0])}
    network = t7convert.to_module(sequential(obj("nn.BatchNormalization", **bn)))

    assert not any(module.training for module in network.modules())
    assert np.isfinite(network(torch.ones(1, 1, dtype=torch.float64)).item())
