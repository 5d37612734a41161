"""Converters of the modules that take parts of a tensor, pad it, or put a constant."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.select import optional, position
from t7convert.conversion.registry import converts
from t7convert.nn import cut


@converts("nn.Select")
def select(m: Layer) -> cut.Select:
    return cut.Select(position(m, "dimension"), position(m, "index"))


@converts("nn.Narrow")
def narrow(m: Layer) -> cut.Narrow:
    return cut.Narrow(position(m, "dimension"), position(m, "index"), m.integer("length"))


@converts("nn.Index")
def index(m: Layer) -> cut.Index:
    return cut.Index(position(m, "dimension", backwards=False))


@converts("nn.MaskedSelect")
def masked_select(m: Layer) -> cut.MaskedSelect:
    return cut.MaskedSelect()


@converts("nn.Padding")
def padding(m: Layer) -> cut.Padding:
    return cut.Padding(
        m.integer("dim") - 1,
        m.integer("pad"),
        optional(m, "nInputDim"),
        m.number("value"),
        m.integer("index"),
    )


@converts("nn.Constant")
def constant(m: Layer) -> cut.Constant:
    return cut.Constant(m.constant("value"), optional(m, "nInputDim"))
