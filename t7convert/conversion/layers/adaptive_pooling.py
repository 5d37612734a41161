"""Converters of the poolings to a given size, and of those with random windows."""

from __future__ import annotations

from torch import Tensor, nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.adaptive_pooling import AdaptiveMaxPool
from t7convert.nn.fractional_pooling import FractionalMaxPool


@converts("nn.SpatialAdaptiveMaxPooling")
def spatial_adaptive_max_pooling(m: Layer) -> AdaptiveMaxPool:
    return AdaptiveMaxPool((m.integer("H"), m.integer("W")))


@converts("nn.SpatialAdaptiveAveragePooling")
def spatial_adaptive_average_pooling(m: Layer) -> nn.AdaptiveAvgPool2d:
    return nn.AdaptiveAvgPool2d((m.integer("H"), m.integer("W")))


def _fractional(m: Layer, names: str) -> FractionalMaxPool:
    """Convert a pooling of the dimensions ``names``, in the order of the tensor's."""
    size = [m.integer(f"out{n}") for n in names] if m.get("outW") is not None else None
    ratio = [m.number(f"ratio{n}") for n in names] if m.get("ratioW") is not None else None
    samples: Tensor | None = None
    if m.has("randomSamples"):
        samples = m.constant("randomSamples").flip(-1)  # Lua's last dimension is sampled first
    return FractionalMaxPool(
        [m.integer(f"poolSize{n}") for n in names],
        None if ratio else size,
        ratio,
        fixed=m.flag("newRandomPool"),
        samples=samples,
    )


@converts("nn.SpatialFractionalMaxPooling")
def spatial_fractional_max_pooling(m: Layer) -> FractionalMaxPool:
    return _fractional(m, "HW")


@converts("nn.VolumetricFractionalMaxPooling")
def volumetric_fractional_max_pooling(m: Layer) -> FractionalMaxPool:
    return _fractional(m, "HWT")
