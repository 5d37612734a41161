"""Source of a network whose modules in place overwrite what convolutions read."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from t7convert.conversion import convert_tree
from t7convert.export.source.text import NAME, source_text
from t7convert.lua.tree import build
from tests.build import obj, sequential, table, tensor


def test_convolutions_keep_their_input_there_too() -> None:
    weight = tensor(np.random.default_rng(0).standard_normal((2, 2, 1, 1)))
    convolution = obj(
        "nn.SpatialConvolution",
        **dict.fromkeys(("kW", "kH", "dW", "dH"), 1),
        **dict.fromkeys(("nInputPlane", "nOutputPlane"), 2),
        weight=weight,
    )
    both = obj("nn.ConcatTable", modules=table(convolution, obj("nn.ReLU", inplace=True)))
    converted = convert_tree(build(sequential(obj("nn.Tanh"), both)))
    text = source_text(converted.network, "weights.pt")
    scope: dict[str, Any] = {"__name__": "written", "__file__": "written.py"}
    exec(compile(text, "written", "exec"), scope)
    made = scope[NAME]().double()
    made.load_state_dict(converted.network.double().state_dict())
    x = torch.randn(1, 2, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    gradients = []
    for network in (converted.network, made):
        network(x)[0].sum().backward()
        gradients.append([p.grad for p in network.parameters()])

    assert "keep_input" in text
    expected = x.tanh().sum((0, 2, 3)).expand(2, 2).reshape(2, 2, 1, 1)
    for (gradient,) in gradients:
        assert gradient is not None
        torch.testing.assert_close(gradient, expected)
