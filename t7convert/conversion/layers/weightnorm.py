"""Converter of weight normalisation."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.weightnorm import WeightNorm


@converts("nn.WeightNorm")
def weight_norm(m: Layer) -> WeightNorm:
    size = m.integers("weightSize")
    (child,) = m.modules_at()
    inner, uses = m.convert_lacking(child, "weight", size)
    if len(uses) != 1:
        raise m.error(f"{child.typename} has no weight of its own")
    (use,) = uses
    name = next(n for n, part in inner.named_modules() if part is use.module)
    module = WeightNorm(
        inner,
        size,
        output_dim=m.integer("outputDim") - 1,
        g_shape=m.shape("g"),
        views=use.view.ops,
        name=f"{name}.{use.name}" if name else use.name,
    )
    m.bind_all(module, "v", "g")
    return module
