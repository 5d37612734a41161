"""Converters of cuDNN's recurrent layers: the flat weight becomes torch.nn's parameters."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import prod
from typing import Any

import numpy as np
import torch
from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.conversion.view import View
from t7convert.nn import cudnn_rnn as ours

#: The layer of each mode, and how many gates it has.
_MODES: dict[str, tuple[Any, int]] = {
    "CUDNN_LSTM": (ours.LSTM, 4),
    "CUDNN_GRU": (ours.GRU, 3),
    "CUDNN_RNN_RELU": (partial(ours.RNN, nonlinearity="relu"), 1),
    "CUDNN_RNN_TANH": (partial(ours.RNN, nonlinearity="tanh"), 1),
}


def _choice(m: Layer, field: str, *values: str) -> str:
    value = m.require(field)
    if value not in values:
        raise m.error(f"the field {field} is {value!r}, expected one of {', '.join(values)}")
    return str(value)


def _layout(
    inputs: int, hidden: int, layers: int, directions: int, gates: int, skip: bool
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Iterate over (torch's name, shape) in the order in which cuDNN has them.

    All matrices come first, those of the input before the recurrent ones; then all biases. The
    gates of a matrix lie one upon the other, i f g o or r z n, as torch.nn has them.
    """
    places = [(k, d) for k in range(layers) for d in ("", "_reverse")[:directions]]
    for layer, direction in places:
        width = hidden * directions if layer else inputs
        if layer or not skip:
            yield f"weight_ih_l{layer}{direction}", (gates * hidden, width)
        yield f"weight_hh_l{layer}{direction}", (gates * hidden, hidden)
    for layer, direction in places:
        for kind in ("ih", "hh"):
            yield f"bias_{kind}_l{layer}{direction}", (gates * hidden,)


@converts(
    *("cudnn.RNN", "cudnn.RNNReLU", "cudnn.RNNTanh", "cudnn.LSTM", "cudnn.GRU"),
    *("cudnn.BLSTM", "cudnn.BGRU"),
)
def recurrent(m: Layer) -> nn.Module:
    kind, gates = _MODES[_choice(m, "mode", *_MODES)]
    both = _choice(m, "bidirectional", "CUDNN_UNIDIRECTIONAL", "CUDNN_BIDIRECTIONAL")
    skip = _choice(m, "inputMode", "CUDNN_LINEAR_INPUT", "CUDNN_SKIP_INPUT")
    inputs, hidden, layers = (m.integer(n) for n in ("inputSize", "hiddenSize", "numLayers"))
    if skip == "CUDNN_SKIP_INPUT" and inputs != hidden:
        raise m.error(f"skipping the input needs as many inputs ({inputs}) as outputs ({hidden})")
    given = {} if m.flag("rememberStates") else {"hidden": "hiddenInput", "cell": "cellInput"}
    module: nn.Module = kind(
        inputs,
        hidden,
        layers,
        batch_first=m.flag("batchFirst"),
        dropout=m.number("dropout") if layers > 1 else 0.0,
        bidirectional=both == "CUDNN_BIDIRECTIONAL",
        skip_input=skip == "CUDNN_SKIP_INPUT",
        remember="both" if m.flag("rememberStates") else "neither",
        dtype=torch.from_numpy(np.empty(0, m.tensor("weight").dtype)).dtype,
        **{f"{k}_input": m.constant(field) for k, field in given.items() if m.has(field)},
    )
    directions = 1 + (both == "CUDNN_BIDIRECTIONAL")
    layout = list(_layout(inputs, hidden, layers, directions, gates, skip == "CUDNN_SKIP_INPUT"))
    expected = sum(prod(shape) for _, shape in layout)
    if m.shape("weight") != (expected,):
        raise m.error(f"the flat weight is {m.shape('weight')}, expected ({expected},)")
    start = 0
    for name, shape in layout:
        part = View().narrow(0, start, prod(shape))
        m.bind("weight", module, name, part.reshape(*shape) if len(shape) > 1 else part)
        start += prod(shape)
    return module
