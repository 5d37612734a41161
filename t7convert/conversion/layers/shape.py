"""Converters of the modules that only change the shape."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.select import optional, position
from t7convert.conversion.registry import converts
from t7convert.nn import shape


@converts("nn.Identity")
def identity(m: Layer) -> nn.Identity:
    return nn.Identity()


@converts("nn.View")
def view(m: Layer) -> shape.View:
    return shape.View(*m.integers("size"), num_input_dims=optional(m, "numInputDims"))


@converts("nn.Reshape")
def reshape(m: Layer) -> shape.Reshape:
    batch = None if m.get("batchMode") is None else m.flag("batchMode")
    return shape.Reshape(*m.integers("size"), batch=batch)


@converts("nn.Contiguous")
def contiguous(m: Layer) -> shape.Contiguous:
    return shape.Contiguous()


@converts("nn.Transpose")
def transpose(m: Layer) -> shape.Transpose:
    swaps = [(int(a) - 1, int(b) - 1) for a, b in m.require("permutations")]
    return shape.Transpose(*swaps, num_input_dims=optional(m, "numInputDims"))


@converts("nn.Squeeze")
def squeeze(m: Layer) -> shape.Squeeze:
    dim = None if m.get("dim") is None else position(m, "dim", backwards=False)
    return shape.Squeeze(dim, optional(m, "numInputDims"))


@converts("nn.Unsqueeze")
def unsqueeze(m: Layer) -> shape.Unsqueeze:
    return shape.Unsqueeze(m.integer("pos") - 1, optional(m, "numInputDims"))


@converts("nn.Collapse")
def collapse(m: Layer) -> shape.Collapse:
    return shape.Collapse(m.integer("nInputDim"))


@converts("nn.Replicate")
def replicate(m: Layer) -> shape.Replicate:
    dim = position(m, "dim", backwards=False)
    return shape.Replicate(m.integer("nfeatures"), dim, optional(m, "ndim"))
