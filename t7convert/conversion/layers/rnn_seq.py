"""Converters of LSTM and GRU with one weight for all gates: over sequences, and single steps."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.rnn_cells import start
from t7convert.conversion.layers.rnn_masking import masking, take_mask
from t7convert.conversion.registry import converts
from t7convert.nn.rnn_seq import SeqGRU, SeqLSTM
from t7convert.nn.rnn_steps import StepGRU, StepLSTM

_Module = TypeVar("_Module", bound=nn.Module)


def bound(m: Layer, module: _Module) -> _Module:
    """Bind the parameters, which Lua keeps as this package does."""
    m.bind_all(module, "weight", "bias", "weightO")
    return module


def projection(m: Layer) -> int | None:
    """Return the size of the projected output, None where there is no projection."""
    return m.integer("outputsize") if m.has("weightO") else None


@converts("nn.SeqLSTM@rnn", "nn.SeqLSTMP@rnn")
def seq_lstm(m: Layer) -> SeqLSTM:
    module = SeqLSTM(
        m.integer("inputsize"),
        m.integer("hiddensize"),
        projection(m),
        batch_first=m.flag("batchfirst"),
        masking="zeros" if m.flag("maskzero") else "off",
        remember=m.require("_remember"),
        start=start(m, "userPrevOutput", "userPrevCell"),
    )
    return bound(m, module)


@converts("nn.SeqGRU@rnn")
def seq_gru(m: Layer) -> SeqGRU:
    module = SeqGRU(
        m.integer("inputSize"),
        m.integer("outputSize"),
        batch_first=m.flag("batchfirst"),
        masking="zeros" if m.flag("maskzero") else "off",
        remember=m.require("_remember"),
        start=start(m, "userPrevOutput"),
    )
    return bound(m, module)


@converts("nn.SeqLSTM@torch/rnn", "nn.SeqLSTMP@torch/rnn")
def seq_lstm_2017(m: Layer) -> SeqLSTM:
    module = SeqLSTM(
        m.integer("inputsize"),
        m.integer("hiddensize"),
        projection(m),
        masking=masking(m),
        remember=m.require("_remember"),
        new_batch_restarts=True,
    )
    return bound(m, take_mask(m, module))


@converts("nn.SeqGRU@torch/rnn")
def seq_gru_2017(m: Layer) -> SeqGRU:
    module = SeqGRU(
        m.integer("inputsize"),
        m.integer("outputsize"),
        masking=masking(m),
        remember=m.require("_remember"),
        new_batch_restarts=True,
    )
    return bound(m, take_mask(m, module))


@converts("nn.StepLSTM")
def step_lstm(m: Layer) -> StepLSTM:
    sizes = m.integer("inputsize"), m.integer("hiddensize"), projection(m)
    return bound(m, take_mask(m, StepLSTM(*sizes, masking=masking(m))))


@converts("nn.StepGRU")
def step_gru(m: Layer) -> StepGRU:
    module = StepGRU(m.integer("inputsize"), m.integer("outputsize"), masking=masking(m))
    return bound(m, take_mask(m, module))
