"""Where plugins come from: files, modules, packages, installed distributions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from torch import nn

import t7convert
from t7convert.conversion import converts, plugins, registry
from t7convert.conversion.plugins import PluginError
from t7convert.lua import schema
from tests.build import linear, obj

LAYER = """
from torch import nn
from t7convert import converts

@converts("my.Nothing")
def nothing(m):
    return nn.Identity()
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on sys.path; what it registers is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    plugins._load_installed.cache_clear()
    with registry.restored(), schema.restored():
        yield tmp_path
    plugins._load_installed.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "nothing_layers"]:
        del sys.modules[name]


def installed(site: Path, value: str) -> None:
    info = site / "nothing_layers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nothing-layers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[t7convert.plugins]\nnothing = {value}\n")


def test_an_installed_plugin_serves_every_conversion(site: Path) -> None:
    (site / "nothing_layers.py").write_text(LAYER)
    installed(site, "nothing_layers")
    for _ in range(3):
        assert isinstance(
            t7convert.to_module(obj("my.Nothing", _type="torch.FloatTensor")), nn.Identity
        )


def test_an_installed_plugin_that_fails_is_named(site: Path) -> None:
    installed(site, "nothing_layers:register")
    with pytest.raises(PluginError, match=r"installed plugin nothing \(nothing_layers:register\)"):
        t7convert.to_module(linear(1, 1))


def test_a_package_serves_every_conversion(site: Path) -> None:
    package = site / "nothing_layers"
    package.mkdir()
    (package / "__init__.py").write_text("from nothing_layers import layers\n")
    (package / "layers.py").write_text(LAYER)
    for _ in range(2):
        network = t7convert.to_module(
            obj("my.Nothing", _type="torch.FloatTensor"), plugins=["nothing_layers"]
        )
        assert isinstance(network, nn.Identity)


def test_a_plugin_that_was_imported_before(site: Path) -> None:
    (site / "nothing_layers.py").write_text(LAYER)
    __import__("nothing_layers")
    network = t7convert.to_module(
        obj("my.Nothing", _type="torch.FloatTensor"), plugins=["nothing_layers"]
    )
    assert isinstance(network, nn.Identity)


def test_another_function_for_the_same_class_is_refused(site: Path) -> None:
    (site / "nothing_layers.py").write_text(LAYER)
    __import__("nothing_layers")
    with pytest.raises(ValueError, match=r"my\.Nothing is already converted by nothing"):
        converts("my.Nothing")(lambda m: nn.Identity())


def test_one_plugin_without_a_list() -> None:
    with pytest.raises(TypeError, match=r"plugins='my_layers\.py': a list is expected"):
        t7convert.to_module(linear(1, 1), plugins="my_layers.py")


def test_options_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="arch='resnet', expected one of auto, generic"):
        t7convert.to_module(linear(1, 1), arch="resnet")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dtype='int', expected one of float64"):
        t7convert.convert(linear(1, 1), tmp_path / "a.pt", dtype="int")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
