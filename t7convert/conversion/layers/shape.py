"""Converters of the modules that only change the shape."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.shape import Reshape, View


@converts("nn.Identity")
def identity(m: Layer) -> nn.Identity:
    return nn.Identity()


@converts("nn.View")
def view(m: Layer) -> View:
    dims = m.get("numInputDims")
    return View(*m.integers("size"), num_input_dims=None if dims is None else int(dims))


@converts("nn.Reshape")
def reshape(m: Layer) -> Reshape:
    batch = m.get("batchMode")
    return Reshape(*m.integers("size"), batch=batch if batch is None else bool(batch))
