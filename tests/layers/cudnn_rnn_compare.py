"""cuDNN's recurrent layers beside torch.nn with weights that are cut by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from t7convert.conversion import convert_tree
from t7convert.format.objects import LuaObject
from t7convert.lua.tree import build
from t7convert.reference import Executor
from tests import golden
from tests.build import obj, tensor
from tests.layers.compare import normal

CLASSES = {
    "RNNReLU": ("RNN_RELU", 1, nn.RNN),
    "RNNTanh": ("RNN_TANH", 1, nn.RNN),
    "LSTM": ("LSTM", 4, nn.LSTM),
    "GRU": ("GRU", 3, nn.GRU),
    "BLSTM": ("LSTM", 4, nn.LSTM),
    "BGRU": ("GRU", 3, nn.GRU),
}
NAMES = list(CLASSES)


def length(inputs: int, hidden: int, layers: int, directions: int, gates: int) -> int:
    """Return how many numbers the flat weight has, counted gate by gate."""
    total = 0
    for layer in range(layers):
        width = inputs if layer == 0 else hidden * directions
        total += directions * gates * (hidden * width + hidden * hidden + 2 * hidden)
    return total


def lua(
    name: str, inputs: int, hidden: int, layers: int = 1, kind: str = "Double", **fields: Any
) -> LuaObject:
    """Return a layer as its constructor makes it, with a random weight."""
    mode, gates, _ = CLASSES[name]
    both = name.startswith("B")
    made: dict[str, Any] = {
        "inputSize": inputs,
        "hiddenSize": hidden,
        "numLayers": layers,
        "mode": f"CUDNN_{mode}",
        "bidirectional": "CUDNN_BIDIRECTIONAL" if both else "CUDNN_UNIDIRECTIONAL",
        "inputMode": "CUDNN_LINEAR_INPUT",
        "weight": tensor(0.5 * normal(length(inputs, hidden, layers, 1 + both, gates)), kind),
        "dropout": 0,
        "batchFirst": False,
        "rememberStates": False,
        "datatype": "CUDNN_DATA_FLOAT",
        "sync": True,
        "seed": 0x01234567,
    }
    return obj(f"cudnn.{name}", **{**made, **fields})


def by_hand(name: str, module: LuaObject) -> Any:
    """Return torch.nn's layer with the flat weight cut gate by gate, in cuDNN's order.

    For every layer and direction the input's matrix of each gate, then the recurrent ones; behind
    all matrices the biases, in the same order.
    """
    _, gates, kind = CLASSES[name]
    get = module.payload.get
    inputs, hidden, layers = (int(get(n)) for n in ("inputSize", "hiddenSize", "numLayers"))
    flat = torch.from_numpy(np.array(get("weight").numpy()))
    options = {"nonlinearity": "relu" if name == "RNNReLU" else "tanh"} if gates == 1 else {}
    both = name.startswith("B")
    made = kind(
        inputs, hidden, layers, bidirectional=both, batch_first=get("batchFirst"), **options
    )
    made.double()
    state: dict[str, Tensor] = {}
    suffixes = [f"l{k}{d}" for k in range(layers) for d in ("", "_reverse")[: 1 + both]]
    for suffix in suffixes:
        first = suffix in ("l0", "l0_reverse")
        for part, width in (
            ("weight_ih", inputs if first else hidden * (1 + both)),
            ("weight_hh", hidden),
        ):
            matrices = []
            for _ in range(gates):
                matrices.append(flat[: hidden * width].view(hidden, width))
                flat = flat[hidden * width :]
            state[f"{part}_{suffix}"] = torch.cat(matrices)
    for suffix in suffixes:
        for part in ("bias_ih", "bias_hh"):
            state[f"{part}_{suffix}"] = flat[: gates * hidden]
            flat = flat[gates * hidden :]
    assert not len(flat)
    made.load_state_dict(state)
    return made


def compare(module: LuaObject, *inputs: Any) -> list[Any]:
    """Check the converted layer against the reference on calls in sequence; return its outputs."""
    tree = build(module)
    made = convert_tree(tree)
    made.network.double()
    executor = Executor()
    outputs = []
    for value in inputs:
        given = golden.tensors(value, grad=True)
        call = executor.call(tree, executor.cast(value))
        output = made.network(given)
        outputs.append(output)
        golden.assert_close("output", output, call.output, golden.OUTPUT_RTOL)
    gy = normal(*output.shape)
    made.network.zero_grad()
    output.backward(torch.from_numpy(gy))
    gx = call.backward(gy)
    found = given[0].grad if isinstance(given, list) else given.grad
    golden.assert_close("gx", found, gx[0] if isinstance(gx, list) else gx, golden.GRADIENT_RTOL)
    (flat,) = golden._bound_gradients(made)
    expected = executor.gradients[id(tree), "weight"]
    golden.assert_close("gradWeight", flat, expected, golden.GRADIENT_RTOL)
    return outputs
