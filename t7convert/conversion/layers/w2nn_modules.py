"""Converters of waifu2x's modules and criterions."""

from __future__ import annotations

import torch

import t7convert.nn.w2nn_criterions as criterions
import t7convert.nn.w2nn_modules as modules
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.conversion.view import View
from t7convert.nn.decorators import PrintSize


@converts("w2nn.InplaceClip01")
def inplace_clip01(m: Layer) -> modules.InplaceClip01:
    return modules.InplaceClip01(inplace=m.inplace)


@converts("w2nn.LeakyReLU")
def leaky_relu(m: Layer) -> modules.LeakyReLU:
    return modules.LeakyReLU(m.number("negative_scale"))


@converts("w2nn.AuxiliaryLossTable")
def auxiliary_loss_table(m: Layer) -> modules.AuxiliaryLossTable:
    return modules.AuxiliaryLossTable(m.integer("i") - 1)


@converts("w2nn.GradWeight")
def grad_weight(m: Layer) -> modules.GradWeight:
    return modules.GradWeight(m.number("constant_scalar"))


@converts("w2nn.ScaleTable")
def scale_table(m: Layer) -> modules.ScaleTable:
    return modules.ScaleTable()


@converts("w2nn.ShakeShakeTable")
def shake_shake_table(m: Layer) -> modules.ShakeShakeTable:
    return modules.ShakeShakeTable()


@converts("w2nn.RandomBinaryConvolution", "w2nn.EdgeFilter")
def fixed_convolution(m: Layer) -> modules.FixedConvolution:
    inputs, outputs, kernel = m.integer("nInputPlane"), m.integer("nOutputPlane"), m.hw("k")
    conv = modules.FixedConvolution(
        inputs, outputs, kernel, stride=m.hw("d"), padding=m.hw("pad"), bias=m.has("bias")
    )
    # RandomBinaryConvolution.lua names the sides kW, kH, and SpatialConvolution reads kH, kW
    m.bind("weight", conv, view=View().reshape(outputs, inputs, *kernel))
    m.bind_all(conv, "bias")
    return conv


@converts("w2nn.Print", "w2nn.PrintTable")
def print_size(m: Layer) -> PrintSize:
    return PrintSize(str(m.get("id")))


@converts("w2nn.ClippedMSECriterion")
def clipped_mse_criterion(m: Layer) -> criterions.ClippedMSECriterion:
    return criterions.ClippedMSECriterion(m.number("min"), m.number("max"))


@converts("w2nn.ClippedWeightedHuberCriterion")
def clipped_weighted_huber_criterion(m: Layer) -> criterions.ClippedWeightedHuberCriterion:
    clip = m.require("clip")
    if not isinstance(clip, list) or len(clip) != 2:
        raise m.error(f"the field clip is {clip!r}, expected two numbers")
    module = criterions.ClippedWeightedHuberCriterion(
        torch.empty(m.shape("weight")), m.number("gamma"), (float(clip[0]), float(clip[1]))
    )
    m.bind("weight", module)
    return module


@converts("w2nn.L1Criterion")
def l1_criterion(m: Layer) -> criterions.L1Criterion:
    return criterions.L1Criterion()


@converts("w2nn.SSIMCriterion")
def ssim_criterion(m: Layer) -> criterions.SSIMCriterion:
    return criterions.SSIMCriterion(m.child("conv"), m.number("c1"), m.number("c2"))


@converts("w2nn.LBPCriterion")
def lbp_criterion(m: Layer) -> criterions.LBPCriterion:
    return criterions.LBPCriterion(
        m.child("filter1"), m.child("filter2"), m.integer("ch"), m.integer("n"), m.number("gamma")
    )
