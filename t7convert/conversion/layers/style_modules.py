"""Converters of fast-neural-style and AdaIN-style."""

from __future__ import annotations

import torch
from torch import Tensor

import t7convert.nn.style_losses as losses
import t7convert.nn.style_modules as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts


@converts("nn.InstanceNormalization@fast-neural-style")
def instance_normalization(m: Layer) -> ours.InstanceNormalization:
    statistics = m.flag("instanceStatistics")
    module = ours.InstanceNormalization(
        m.integer("nOutput"), m.number("eps"), statistics=statistics
    )
    m.bind("weight", module)
    m.bind("bias", module)
    return module


@converts("nn.InstanceNormalization@AdaIN-style")
def adain_instance_normalization(m: Layer) -> ours.InstanceNormalization:
    module = ours.InstanceNormalization(
        m.integer("nOutput"),
        m.number("eps"),
        affine=m.flag("affine"),
        statistics=m.flag("instanceStatistics"),
        disabled=m.flag("disabled"),
    )
    if m.flag("affine"):
        m.bind("weight", module)
        m.bind("bias", module)
    return module


@converts("nn.AdaptiveInstanceNormalization")
def adaptive_instance_normalization(m: Layer) -> ours.AdaptiveInstanceNormalization:
    return ours.AdaptiveInstanceNormalization(
        m.integer("nOutput"),
        m.number("eps"),
        statistics=m.flag("instanceStatistics"),
        disabled=m.flag("disabled"),
    )


@converts("nn.ShaveImage")
def shave_image(m: Layer) -> ours.ShaveImage:
    return ours.ShaveImage(m.integer("size"))


@converts("nn.GramMatrix")
def gram_matrix(m: Layer) -> ours.GramMatrix:
    return ours.GramMatrix(m.flag("normalize"))


@converts("nn.TotalVariation")
def total_variation(m: Layer) -> losses.TotalVariation:
    return losses.TotalVariation(m.number("strength"))


@converts("nn.DeepDreamLoss")
def deep_dream_loss(m: Layer) -> losses.DeepDreamLoss:
    return losses.DeepDreamLoss(m.number("strength"), m.number("max_grad"))


def _target(m: Layer, name: str) -> Tensor | None:
    return torch.empty(m.shape(name)) if m.has(name) else None


def _mode(m: Layer) -> losses.Mode:
    mode = m.require("mode")
    if mode == "none":
        return "none"
    if mode == "capture":
        return "capture"
    if mode == "loss":
        return "loss"
    raise m.error(f"the mode is {mode!r}, expected none, capture or loss")


@converts("nn.ContentLoss")
def content_loss(m: Layer) -> losses.StyleLoss:
    module = losses.StyleLoss(m.child("crit"), m.number("strength"), _mode(m), _target(m, "target"))
    m.bind_all(module, "target")
    return module


@converts("nn.StyleLoss")
def style_loss(m: Layer) -> losses.StyleLoss:
    module = losses.StyleLoss(
        m.child("crit"), m.number("strength"), _mode(m), _target(m, "target"), m.child("agg")
    )
    m.bind_all(module, "target")
    return module


@converts("nn.ContentLossModule")
def content_loss_module(m: Layer) -> losses.ContentLossModule:
    module = losses.ContentLossModule(
        m.child("crit"), m.number("strength"), m.flag("normalize"), _target(m, "target")
    )
    m.bind_all(module, "target")
    return module


@converts("nn.StyleINLossModule")
def style_in_loss_module(m: Layer) -> losses.StyleINLossModule:
    module = losses.StyleINLossModule(
        (m.child("mean_net"), m.child("std_net")),
        (m.child("mean_criterion"), m.child("std_criterion")),
        m.number("strength"),
        m.flag("normalize"),
        (_target(m, "target_mean"), _target(m, "target_std")),
    )
    m.bind_all(module, "target_mean", "target_std")
    return module


@converts("nn.TVLossModule")
def tv_loss_module(m: Layer) -> losses.TVLossModule:
    return losses.TVLossModule(m.child("crit"), m.number("strength"))


@converts("nn.TVLossCriterion")
def tv_loss_criterion(m: Layer) -> losses.TVLossCriterion:
    return losses.TVLossCriterion(m.child("crit"), m.child("mse"))
