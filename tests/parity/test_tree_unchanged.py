"""Running the reference leaves the module tree as the file has it: it is written afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import t7convert
from t7convert.lua.tree import build, walk
from t7convert.reference import Executor
from tests.build import linear, obj, sequential
from tests.layers.test_torchrnn_language import language_model, view


def adapter() -> Any:
    merge, split = view(6, -1, dims=3), view(2, 3, -1, dims=2)
    net = sequential(merge, linear(4, 5), split)
    return obj("nn.TemporalAdapter", net=net, view_in=merge, view_out=split)


def language() -> Any:
    return language_model("LSTM", batchnorm=True)


@pytest.mark.parametrize(
    ("made", "value"), [(language, np.ones((3, 4))), (adapter, np.ones((3, 4, 4)))]
)
def test_no_field_changes(made: Any, value: Any) -> None:
    tree = build(made())
    before = [(module, dict(module.fields)) for module in walk(tree)]
    executor = Executor()
    call = executor.call(tree, executor.cast(value))
    call.backward(np.ones_like(call.output))

    for module, fields in before:
        assert fields.keys() == module.fields.keys()
        assert all(fields[name] is module.fields[name] for name in fields), module


def test_what_was_checked_is_written_as_the_file_has_it(tmp_path: Path) -> None:
    source = tmp_path / "m.t7"
    t7convert.save(language(), source)
    checked = t7convert.convert(source, tmp_path / "a.pt")
    t7convert.convert(source, tmp_path / "b.pt", verify=False)
    a, b = (
        json.loads(torch.load(tmp_path / name, weights_only=True)["architecture"])
        for name in ("a.pt", "b.pt")
    )

    assert checked.parity["result"] == "passed"
    assert a == b
    assert t7convert.verify(source, tmp_path / "a.pt").ok
