"""What inspect tells of a file."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np

import t7convert
from tests.build import linear, obj, sequential, table, tensor
from tests.conftest import FIXTURES


def test_a_shared_network() -> None:
    summary = t7convert.inspect(FIXTURES / "nets/sharesnet-basic/model.t7")
    (network,) = summary.networks

    assert network.typename == "nn.Sequential"
    assert (network.parameters.unique, network.parameters.naive) == (128_402, 177_362)
    assert (network.parameters.tensors, network.parameters.tensors_naive) == (58, 62)
    assert [len(tie.members) for tie in network.ties] == [2, 2, 2, 2]
    assert network.unknown == []
    assert summary.bytes.parameters == 4 * 128_402
    assert summary.bytes.gradients == 4 * 128_402
    assert sum(vars(summary.bytes).values()) == summary.size


def test_what_stands_beside_the_model() -> None:
    summary = t7convert.inspect(FIXTURES / "nets/checkpoint-table/model.t7.xz")

    assert summary.networks[0].path == "model"
    assert set(summary.beside) == {"mean", "std", "epoch", "opt"}


def test_beside_a_model_of_an_odd_name() -> None:
    root = table(**{"a.b": sequential(linear(1, 1)), "a": 3, "a.b.c": 4})
    beside = t7convert.inspect(root).beside

    assert beside == {"a": "3", '["a.b.c"]': "4"}


def test_activations_count_as_buffers() -> None:
    kept = t7convert.inspect(FIXTURES / "nets/sharesnet-notcleared/model.t7.xz").bytes

    assert kept.buffers > kept.parameters


def test_an_unknown_class_is_named() -> None:
    root = sequential(linear(1, 1), obj("my.Layer", output=tensor(np.ones(1)), gradInput=1))
    summary = t7convert.inspect(table(net=root, note="x"))

    assert summary.networks[0].unknown == ["my.Layer"]
    assert [row.known for row in summary.networks[0].modules] == [True, True, False]


def test_the_summary_is_plain_json() -> None:
    summary = t7convert.inspect(FIXTURES / "nets/same-module-twice/model.t7.xz")
    data = json.loads(json.dumps(summary.to_json()))

    assert data["schema"] == 1
    assert [m["path"] for m in data["networks"][0]["modules"] if m["again"]] == [
        "modules[3]",
        "modules[5]",
    ]


def test_inspect_never_imports_torch() -> None:
    code = (
        "import sys, t7convert; t7convert.inspect(sys.argv[1]); "
        "assert not {'torch', 'requests', 'torchfile'} & set(sys.modules)"
    )
    path = str(FIXTURES / "nets/sharesnet-basic/model.t7")

    subprocess.run([sys.executable, "-c", code, path], check=True)
