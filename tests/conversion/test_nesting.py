"""Modules deep inside modules, and inside themselves."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import t7convert
from t7convert.cli import main
from t7convert.errors import ConversionError
from tests.build import linear, obj, sequential


def nested(levels: int) -> t7convert.LuaObject:
    network = linear(3, 3)
    for _ in range(levels):
        network = sequential(network)
    return network


def test_two_hundred_levels_are_converted_checked_and_loaded(tmp_path: Path) -> None:
    limit = sys.getrecursionlimit()
    root = nested(200)
    made = t7convert.convert(root, tmp_path / "out.pt")
    assert made.parity["result"] == "passed"
    network = t7convert.load_model(tmp_path / "out.pt")
    x = torch.randn(2, 3, dtype=torch.float64)
    expected = t7convert.to_module(root)(x)
    assert torch.equal(network(x), expected)
    assert sys.getrecursionlimit() == limit


def test_more_levels_than_python_can_call_are_refused() -> None:
    with pytest.raises(ConversionError, match=r"nest 701 deep .* at most 500"):
        t7convert.to_module(nested(700))


def test_a_module_inside_itself_is_refused() -> None:
    inner = sequential(obj("nn.Tanh"))
    inner["modules"][2] = inner
    with pytest.raises(ConversionError, match=r"modules\[1\]: nn.Sequential: it contains itself"):
        t7convert.to_module(sequential(inner))


def test_a_command_that_nests_too_deep_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*args: object) -> int:
        return endless(*args)

    monkeypatch.setattr("t7convert.commands.models.models", endless)
    result = CliRunner().invoke(main, ["models"])
    assert (result.exit_code, "nest too deep" in result.output) == (1, True)
