"""Converters of the linear maps of sparse inputs."""

from __future__ import annotations

import t7convert.nn.sparse as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts


@converts("nn.SparseLinear")
def sparse_linear(m: Layer) -> ours.SparseLinear:
    outputs, inputs = m.shape("weight")
    module = ours.SparseLinear(inputs, outputs, m.number("weightDecay"), m.flag("doGradInput"))
    m.bind_all(module, "weight", "bias")
    return module


@converts("nn.IndexLinear")
def index_linear(m: Layer) -> ours.IndexLinear:
    (outputs,) = m.shape("bias")
    normalize = m.integer("normalize")
    module = ours.IndexLinear(
        m.shape("weight")[0], outputs, normalize, m.integer("offset"), m.flag("doGradInput")
    )
    m.bind_all(module, "weight", "bias")
    return module
