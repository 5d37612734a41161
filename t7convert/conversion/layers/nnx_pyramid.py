"""Converters of nnx's modules that hold other modules."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

import t7convert.nn.nnx_pyramid as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.lua.tree import LuaModule
from t7convert.nn.containers import ConcatTable, ParallelTable
from t7convert.nn.nnx_sampling import SpatialPadding


def _sum(m: Layer, name: str) -> ours.NeighbourSum:
    kernels, pads = [], []
    for step in m.require(name):
        if step["bias"].numpy().any():
            raise m.error("its kernel has a bias, where nnx set it to zero")
        kernels.append(torch.from_numpy(np.array(step["weight"].numpy())))
        left, right, top, bottom = (int(step[n]) for n in ("left", "right", "top", "bottom"))
        pads.append((left, right, top, bottom))
    return ours.NeighbourSum(kernels, pads)


@converts("nn.SpatialNormalization")
def spatial_normalization(m: Layer) -> ours.SpatialNormalization:
    threshold = None if m.get("fixedThres") is None else m.number("fixedThres")
    planes = m.integer("nfeatures")
    return ours.SpatialNormalization(planes, _sum(m, "mean"), _sum(m, "square"), threshold)


@converts("nn.SpatialClassifier")
def spatial_classifier(m: Layer) -> ours.SpatialClassifier:
    return ours.SpatialClassifier(m.child("classifier"), m.flag("spatialOutput"))


def _ratios(m: Layer) -> list[float]:
    ratios = m.require("ratios")
    if not isinstance(ratios, list) or not all(isinstance(r, (int, float)) for r in ratios):
        raise m.error(f"the field ratios is {ratios!r}, expected a list of numbers")
    return [float(ratio) for ratio in ratios]


@converts("nn.SpatialFovea")
def spatial_fovea(m: Layer) -> ours.SpatialFovea:
    ratios, bilinear = _ratios(m), m.flag("bilinear")
    if not bilinear and any(not ratio.is_integer() for ratio in ratios):
        raise m.error(f"the ratios are {ratios}, expected whole numbers")
    given: Any = m.get("preProcessors", [])  # a table with holes is a dict
    listed = given if isinstance(given, dict) else dict(enumerate(given, start=1))
    pre = [listed.get(number) for number in range(1, len(ratios) + 1)]
    focus = None
    if m.flag("focused"):
        focus = ours.FoveaFocus(m.integer("x"), m.integer("y"), m.integer("fov"), m.integer("sub"))
    return ours.SpatialFovea(
        m.children("processors"),
        [m.convert(item) if isinstance(item, LuaModule) else nn.Identity() for item in pre],
        ratios,
        m.integer("padding"),
        bilinear=bilinear,
        focus=focus,
        detached=m.flag("cachePrePreproc"),
    )


@converts("nn.SpatialPyramid")
def spatial_pyramid(m: Layer) -> ours.SpatialPyramid:
    prescaled = m.flag("prescaled_input")
    if not m.flag("focused"):
        whole = m.child("unfocused_pipeline")
        if not isinstance(whole, (ConcatTable, ParallelTable)):
            raise m.error("its pipeline is no table of scales")
        return ours.SpatialPyramid(whole, _ratios(m), None, prescaled)
    pipeline = m.child("focused_pipeline")
    if not isinstance(pipeline, ConcatTable) or not all(
        isinstance(scale, nn.Sequential) and isinstance(scale[0], SpatialPadding)
        for scale in pipeline
    ):
        raise m.error("its scales don't begin with a SpatialPadding")
    windows = zip(m.require("winHeight"), m.require("winWidth"), strict=True)
    focus = ours.PyramidFocus(m.integer("x"), m.integer("y"), tuple(windows))
    return ours.SpatialPyramid(pipeline, _ratios(m), focus, prescaled)
