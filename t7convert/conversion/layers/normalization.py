"""Converters of batch normalisation."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.conversion.transforms import variance_from_inverse_std
from t7convert.nn.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    CudnnBatchNorm1d,
    CudnnBatchNorm2d,
    CudnnBatchNorm3d,
    InverseStdBatchNorm,
)


def bind_statistics(m: Layer, module: nn.Module, eps: float) -> None:
    """Bind running_mean and the variance, which "V 1" files keep as 1 / sqrt(variance + eps)."""
    m.bind("running_mean", module)
    if m.has("running_var"):
        m.bind("running_var", module)
    else:
        m.bind("running_std", module, "running_var", transform=variance_from_inverse_std(eps))


def _bind_affine(m: Layer, module: nn.Module) -> None:
    """Bind weight and bias; either may be missing, and then multiplies or adds nothing."""
    for name in ("weight", "bias"):
        if m.has(name):
            m.bind(name, module)
        else:
            module.register_parameter(name, None)


def _batch_norm(m: Layer, norm: type[_BatchNorm]) -> _BatchNorm:
    (features,) = m.shape("running_mean")
    eps = m.number("eps")
    module = norm(features, eps=eps, momentum=m.number("momentum"))
    module.affine = m.has("weight") or m.has("bias")
    bind_statistics(m, module, eps)
    _bind_affine(m, module)
    return module


@converts("nn.BatchNormalization")
def batch_normalization(m: Layer) -> _BatchNorm:
    return _batch_norm(m, BatchNorm1d)


@converts("nn.SpatialBatchNormalization")
def spatial_batch_normalization(m: Layer) -> _BatchNorm:
    return _batch_norm(m, BatchNorm2d)


@converts("nn.VolumetricBatchNormalization")
def volumetric_batch_normalization(m: Layer) -> _BatchNorm:
    return _batch_norm(m, BatchNorm3d)


@converts("cudnn.BatchNormalization")
def cudnn_batch_normalization(m: Layer) -> _BatchNorm:
    return _batch_norm(m, CudnnBatchNorm1d)


@converts("cudnn.SpatialBatchNormalization")
def cudnn_spatial_batch_normalization(m: Layer) -> _BatchNorm:
    return _batch_norm(m, CudnnBatchNorm2d)


@converts("cudnn.VolumetricBatchNormalization")
def cudnn_volumetric_batch_normalization(m: Layer) -> _BatchNorm:
    return _batch_norm(m, CudnnBatchNorm3d)


def _facebook(m: Layer, dims: int) -> InverseStdBatchNorm:
    (features,) = m.shape("running_mean")
    numbers = m.number("eps"), m.number("momentum")
    module = InverseStdBatchNorm(features, dims, *numbers)
    m.bind("running_mean", module)
    m.bind("running_std", module)
    _bind_affine(m, module)
    return module


@converts("fbnn.BatchNormalization")
def fbnn_batch_normalization(m: Layer) -> InverseStdBatchNorm:
    return _facebook(m, 2)


@converts("fbnn.SpatialBatchNormalization")
def fbnn_spatial_batch_normalization(m: Layer) -> InverseStdBatchNorm:
    return _facebook(m, 4)
