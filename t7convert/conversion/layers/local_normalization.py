"""Converters of the subtractive, divisive and contrastive normalisation of neighbourhoods."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.format.objects import LuaTensor
from t7convert.nn.local_normalization import LocalDivide, LocalMean, LocalSubtract


def _estimator(m: Layer, name: str) -> LocalMean:
    kernels, biases = m.require(f"{name}Kernels"), m.require(f"{name}Biases")
    if any(isinstance(bias, LuaTensor) and bias.numpy().any() for bias in biases):
        raise m.error(f"its {name} estimator has a bias, where nn set it to zero")
    return LocalMean([torch.from_numpy(np.array(kernel.numpy())) for kernel in kernels])


def _share(m: Layer) -> torch.Tensor | None:
    """Return what Lua computed once for the sizes of the images that it ran on last."""
    coef = m.get("coefficients")
    return torch.from_numpy(np.array(coef.numpy())) if isinstance(coef, LuaTensor) else None


@converts("nn.SpatialSubtractiveNormalization")
def spatial_subtractive_normalization(m: Layer) -> LocalSubtract:
    size = [int(n) for n in m.get("coefficientsFor") or []]
    share = _share(m) if size else None
    return LocalSubtract(_estimator(m, "mean"), [] if share is None else size, share)


@converts("nn.SpatialDivisiveNormalization")
def spatial_divisive_normalization(m: Layer) -> LocalDivide:
    return LocalDivide(
        _estimator(m, "mean"),
        _estimator(m, "std"),
        m.number("threshold"),
        m.number("thresval"),
    )


@converts("nn.SpatialContrastiveNormalization")
def spatial_contrastive_normalization(m: Layer) -> nn.Module:
    return m.child("normalizer")


@converts("cudnn.SpatialDivisiveNormalization")
def cudnn_spatial_divisive_normalization(m: Layer) -> nn.Module:
    raise m.error("its updateOutput calls a method that the class doesn't have: it never ran")
