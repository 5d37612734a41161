"""Functions that pool, pad and resize images, as the layers that they are."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from t7convert.export.torch7.building import RefusedError
from t7convert.export.torch7.functions import layer
from t7convert.export.torch7.operations import Made, Operation, handles


@handles(F.max_pool1d, torch.max_pool1d)
def max_pool1d(
    op: Operation,
    input: fx.Node,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Made:
    pool = nn.MaxPool1d(kernel_size, stride or None, padding, dilation, return_indices, ceil_mode)
    return layer(op, input, pool)


@handles(F.max_pool2d, torch.max_pool2d)
def max_pool2d(
    op: Operation,
    input: fx.Node,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Made:
    if _whole(op, input, kernel_size):
        return layer(op, input, nn.AdaptiveMaxPool2d(1, return_indices))
    pool = nn.MaxPool2d(kernel_size, stride or None, padding, dilation, return_indices, ceil_mode)
    return layer(op, input, pool)


@handles(F.max_pool3d)
def max_pool3d(
    op: Operation,
    input: fx.Node,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Made:
    pool = nn.MaxPool3d(kernel_size, stride or None, padding, dilation, return_indices, ceil_mode)
    return layer(op, input, pool)


@handles(F.avg_pool1d)
def avg_pool1d(
    op: Operation,
    input: fx.Node,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Made:
    pool = nn.AvgPool1d(kernel_size, stride or kernel_size, padding, ceil_mode, count_include_pad)
    return layer(op, input, pool)


@handles(F.avg_pool2d)
def avg_pool2d(
    op: Operation,
    input: fx.Node,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Made:
    if _whole(op, input, kernel_size):
        return layer(op, input, nn.AdaptiveAvgPool2d(1))
    options = (padding, ceil_mode, count_include_pad, divisor_override)
    return layer(op, input, nn.AvgPool2d(kernel_size, stride or None, *options))


def _whole(op: Operation, input: fx.Node, kernel: Any) -> bool:
    """Tell whether a window that hangs on the input's size takes all of it."""
    numbers = tuple(kernel) if isinstance(kernel, (list, tuple)) else (kernel,)
    if all(isinstance(n, int) for n in numbers):
        return False
    if any(set(shape[2:]) != {1} for shape in op.shapes(op.node)):
        raise RefusedError("its window depends on the size of the input: use an adaptive pooling")
    return True


@handles(F.adaptive_avg_pool1d, torch.adaptive_avg_pool1d)
def adaptive_avg_pool1d(op: Operation, input: fx.Node, output_size: Any) -> Made:
    return layer(op, input, nn.AdaptiveAvgPool1d(output_size))


@handles(F.adaptive_avg_pool2d)
def adaptive_avg_pool2d(op: Operation, input: fx.Node, output_size: Any) -> Made:
    return layer(op, input, nn.AdaptiveAvgPool2d(output_size))


@handles(F.adaptive_max_pool2d)
def adaptive_max_pool2d(
    op: Operation, input: fx.Node, output_size: Any, return_indices: bool = False
) -> Made:
    return layer(op, input, nn.AdaptiveMaxPool2d(output_size, return_indices))


@handles(F.pad)
def pad(op: Operation, input: fx.Node, pad: Any, mode: str = "constant", value: Any = None) -> Made:
    sides = tuple(pad)
    if not all(isinstance(n, int) for n in sides):
        raise RefusedError("how much it pads depends on the size of the input")
    if mode == "constant" and len(sides) == 4:
        return layer(op, input, nn.ConstantPad2d(sides, value or 0))
    if mode == "constant" and len(sides) == 2 and op.rank(input) == 2:
        return layer(op, input, nn.ConstantPad1d(sides, value or 0))
    kinds: dict[str, Any] = {"reflect": nn.ReflectionPad2d, "replicate": nn.ReplicationPad2d}
    if mode in kinds and len(sides) == 4:
        return layer(op, input, kinds[mode](sides))
    raise RefusedError(f"pad={sides}, mode={mode!r} has no equal")


@handles(F.interpolate)
def interpolate(
    op: Operation,
    input: fx.Node,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: Any = None,
    recompute_scale_factor: Any = None,
    antialias: bool = False,
) -> Made:
    """By a factor; a size that is a whole multiple of the input's is one as well."""
    if antialias:
        raise RefusedError("antialias")
    if size is not None:
        numbers = tuple(size) if isinstance(size, (list, tuple)) else (size, size)
        fixed = mode != "nearest" and all(isinstance(n, int) for n in numbers)
        size, scale_factor = (numbers, None) if fixed else (None, _factor(op, input))
    whole = tuple(scale_factor) if isinstance(scale_factor, (list, tuple)) else scale_factor
    return layer(op, input, nn.Upsample(size, whole, mode, align_corners))


def _factor(op: Operation, input: fx.Node) -> float:
    found = set()
    for given, made in zip(op.shapes(input), op.shapes(op.node), strict=True):
        found |= {large / small for small, large in zip(given[2:], made[2:], strict=True)}
    if len(found) != 1:
        raise RefusedError("its size is no multiple of the input's: use a scale_factor")
    return float(found.pop())


@handles(F.pixel_shuffle, torch.pixel_shuffle)
def pixel_shuffle(op: Operation, input: fx.Node, upscale_factor: int) -> Made:
    return layer(op, input, nn.PixelShuffle(upscale_factor))


@handles(F.local_response_norm)
def local_response_norm(
    op: Operation,
    input: fx.Node,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> Made:
    return layer(op, input, nn.LocalResponseNorm(size, alpha, beta, k))
