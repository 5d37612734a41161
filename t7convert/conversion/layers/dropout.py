"""Converters of the modules that add noise, and of those that touch nothing but the gradient."""

from __future__ import annotations

from torch import nn

import t7convert.nn.dropout as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.gradient import GradientReversal, L1Penalty, ZeroGrad


@converts("nn.Dropout")
def dropout(m: Layer) -> nn.Module:
    scaled, stochastic = m.flag("v2"), m.flag("stochastic_inference")
    if scaled and not stochastic:
        return nn.Dropout(m.number("p"), inplace=m.inplace)
    return ours.Dropout(m.number("p"), scaled=scaled, inplace=m.inplace, stochastic=stochastic)


@converts("nn.SpatialDropout")
def spatial_dropout(m: Layer) -> ours.PlaneDropout:
    return ours.PlaneDropout(m.number("p"), 2, m.flag("stochastic_inference"))


@converts("nn.VolumetricDropout")
def volumetric_dropout(m: Layer) -> ours.PlaneDropout:
    return ours.PlaneDropout(m.number("p"), 3, m.flag("stochastic_inference"))


@converts("nn.WhiteNoise")
def white_noise(m: Layer) -> ours.WhiteNoise:
    return ours.WhiteNoise(m.number("mean"), m.number("std"))


@converts("nn.GradientReversal")
def gradient_reversal(m: Layer) -> GradientReversal:
    return GradientReversal(m.number("lambda"))


@converts("nn.L1Penalty")
def l1_penalty(m: Layer) -> L1Penalty:
    return L1Penalty(
        m.number("l1weight"),
        size_average=m.get("sizeAverage") is True,
        pass_gradient=m.get("provideOutput") is True,
    )


@converts("nn.ZeroGrad")
def zero_grad(m: Layer) -> ZeroGrad:
    return ZeroGrad()
