"""Converters of the softmax functions."""

from __future__ import annotations

from torch import nn

import t7convert.nn.softmax as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts

MODES = {"CUDNN_SOFTMAX_MODE_CHANNEL": False, "CUDNN_SOFTMAX_MODE_INSTANCE": True}
ALGORITHMS = {
    "CUDNN_SOFTMAX_FAST": False,
    "CUDNN_SOFTMAX_ACCURATE": False,
    "CUDNN_SOFTMAX_LOG": True,
}


@converts("nn.SoftMax", "nn.SpatialSoftMax")
def soft_max(m: Layer) -> ours.SoftMax:
    return ours.SoftMax()


@converts("nn.LogSoftMax", "nn.SpatialLogSoftMax")
def log_soft_max(m: Layer) -> ours.LogSoftMax:
    return ours.LogSoftMax()


@converts("nn.SoftMin")
def soft_min(m: Layer) -> ours.SoftMin:
    return ours.SoftMin()


def _choice(m: Layer, name: str, table: dict[str, bool]) -> bool:
    value = m.require(name)
    if value not in table:
        raise m.error(f"the field {name} is {value!r}, expected one of {', '.join(table)}")
    return table[value]


def _cudnn(instance: bool, log: bool) -> nn.Module:
    if instance:
        return ours.InstanceSoftMax(log)
    return ours.LogSoftMax() if log else ours.SoftMax()


@converts("cudnn.SpatialSoftMax")
def cudnn_spatial_soft_max(m: Layer) -> nn.Module:
    return _cudnn(_choice(m, "mode", MODES), _choice(m, "algorithm", ALGORITHMS))


@converts("cudnn.SpatialLogSoftMax")
def cudnn_spatial_log_soft_max(m: Layer) -> nn.Module:
    return _cudnn(_choice(m, "mode", MODES), log=True)


@converts("cudnn.SoftMax")
def cudnn_soft_max(m: Layer) -> nn.Module:
    return _cudnn(instance=True, log=_choice(m, "algorithm", ALGORITHMS))


@converts("cudnn.LogSoftMax")
def cudnn_log_soft_max(m: Layer) -> nn.Module:
    return _cudnn(instance=True, log=True)


@converts("cudnn.VolumetricSoftMax", "cudnn.VolumetricLogSoftMax")
def cudnn_volumetric_soft_max(m: Layer) -> ours.VolumetricSoftMax:
    return ours.VolumetricSoftMax(m.child("ssm"))
