"""Converters of the spatial transformers (stnbhwd)."""

from __future__ import annotations

import t7convert.nn.stn_modules as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts


@converts("nn.AffineTransformMatrixGenerator")
def affine_transform_matrix_generator(m: Layer) -> ours.AffineTransformMatrixGenerator:
    uses = [m.flag(name) for name in ("useRotation", "useScale", "useTranslation")]
    if m.flag("fullMode") is any(uses):
        raise m.error("it has to be in full mode, or else to use something")
    return ours.AffineTransformMatrixGenerator(*uses)


@converts("nn.AffineGridGeneratorBHWD")
def affine_grid_generator(m: Layer) -> ours.AffineGridGeneratorBHWD:
    return ours.AffineGridGeneratorBHWD(
        m.integer("height"), m.integer("width"), m.constant("baseGrid")
    )


@converts("nn.BilinearSamplerBHWD")
def bilinear_sampler(m: Layer) -> ours.BilinearSamplerBHWD:
    return ours.BilinearSamplerBHWD()
