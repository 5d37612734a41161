"""Converters of the recurrent modules that take one step per call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.format.objects import LuaStorage, LuaTensor
from t7convert.nn import rnn_cells
from t7convert.nn.rnn_simple import NormStabilizer

_Recurrent = TypeVar("_Recurrent", bound=rnn_cells.Recurrent)
#: The parts of a state before the first step, None where zeros are meant.
Start: TypeAlias = "Sequence[Tensor | None]"


def start(m: Layer, *names: str) -> Start | None:
    """Return the state that a file gives for the first step, None where it gives none.

    A part that it doesn't give is None: it starts with zeros.
    """
    if not any(m.has(name) for name in names):
        return None
    return [m.constant(name) if m.has(name) else None for name in names]


def start_state(m: Layer) -> Start | None:
    """Return torch/rnn's ``startState``, a tensor or a list of tensors, None where there is none.

    Raises:
        ConversionError: if it is nested deeper.
    """
    state = m.get("startState")
    if state is None:
        return None
    parts = state if isinstance(state, list) else [state]
    if not all(isinstance(part, LuaTensor) for part in parts):
        raise m.error("its startState is a nested table, which isn't supported")
    return [torch.from_numpy(np.array(part.numpy())) for part in parts]


def masked(m: Layer, module: _Recurrent) -> _Recurrent:
    """Let the module have what the file keeps of a mask for the coming steps (torch/rnn)."""
    if m.has("zeroMask"):
        module.set_zero_mask(m.constant("zeroMask")[m.integer("zeroMaskStep") :])
    return module


def only_child(m: Layer) -> nn.Module:
    """Convert the one module of a decorator.

    Raises:
        ConversionError: if there is none.
    """
    children = m.children()
    if not children:
        raise m.error("it holds no module")
    return children[0]


@converts("nn.LSTM@rnn", "nn.LSTM@torch/rnn", "nn.FastLSTM")
def lstm(m: Layer) -> rnn_cells.LSTM:
    first = start(m, "userPrevOutput", "userPrevCell")
    return masked(m, rnn_cells.LSTM(only_child(m), m.integer("outputSize"), start=first))


@converts("nn.RecLSTM")
def rec_lstm(m: Layer) -> rnn_cells.LSTM:
    sizes = m.integer("outputsize"), m.integer("hiddensize")
    return masked(m, rnn_cells.LSTM(only_child(m), *sizes, start=start_state(m)))


@converts("nn.GRU", "nn.MuFuRu")
def gru(m: Layer) -> rnn_cells.GRU:
    first = start(m, "userPrevOutput") or start_state(m)
    return masked(m, rnn_cells.GRU(only_child(m), m.integer("outputSize"), start=first))


@converts("nn.RecGRU")
def rec_gru(m: Layer) -> rnn_cells.GRU:
    module = rnn_cells.GRU(only_child(m), m.integer("outputsize"), start=start_state(m))
    return masked(m, module)


def sizes_of(m: Layer, value: Any) -> rnn_cells.Sizes:
    """Return the nested sizes in ``outputSize``: lists, LongStorages, or lists of such."""
    if isinstance(value, LuaStorage):
        value = value.numpy().tolist()
    if not isinstance(value, list):
        raise m.error(f"its outputSize holds {value!r}, expected lists of whole numbers")
    if all(isinstance(item, (int, float)) for item in value):
        return [int(item) for item in value]
    return [sizes_of(m, item) for item in value]


@converts("nn.Recurrence", "nn.LinearRNN", "nn.LookupRNN")
def recurrence(m: Layer) -> rnn_cells.Recurrence:
    first = start(m, "userPrevOutput") or start_state(m)
    sizes = sizes_of(m, m.require("outputSize"))
    dims = m.integer("nInputDim")
    return masked(m, rnn_cells.Recurrence(only_child(m), sizes, dims, start=first))


@converts("nn.Recurrent")
def recurrent(m: Layer) -> rnn_cells.SimpleRecurrent:
    children = m.children()
    if len(children) != 5:
        raise m.error(f"it holds {len(children)} modules, expected five")
    first = m.child("firstModule") if m.get("firstModule") is not None else None
    return rnn_cells.SimpleRecurrent(*children, first=first)


@converts("nn.Recursor")
def recursor(m: Layer) -> rnn_cells.Recursor:
    return masked(m, rnn_cells.Recursor(only_child(m)))


@converts("nn.NormStabilizer")
def norm_stabilizer(m: Layer) -> NormStabilizer:
    return NormStabilizer(m.number("beta"))
