"""Our modules of images and sequences as anyone may use them: printed, copied, exported."""

from __future__ import annotations

import copy
import re

import pytest
import torch
from torch import nn

from t7convert.nn import (
    adaptive_pooling,
    convolution,
    convolution_full,
    convolution_map,
    cuda_layouts,
    fractional_pooling,
    local_normalization,
    lp_pooling,
    lrn,
    normalization,
    pooling,
    temporal,
    unpooling,
    upsampling,
)

IMAGE = torch.linspace(-2, 3, 4 * 6 * 7).reshape(1, 4, 6, 7)
FRAMES = torch.linspace(-2, 3, 2 * 8 * 4).reshape(2, 8, 4)
PLANES = torch.arange(4)
MEAN = local_normalization.LocalMean([torch.full((1, 4, 3, 3), 1 / 36)])

CASES: list[tuple[nn.Module, torch.Tensor]] = [
    (adaptive_pooling.AdaptiveMaxPool((3, 2)), IMAGE),
    (adaptive_pooling.AdaptiveMaxPool((5, 2)), torch.rand(1, 1, 25, 4)),
    (convolution.DepthWiseConv2d(4, 2, (3, 2), (1, 2), (1, 0)), IMAGE),
    (convolution.LocalConv2d(4, 2, (6, 7), (3, 2), (1, 2), (1, 0)), IMAGE),
    (convolution_full.ConvTranspose2d(4, 2, 3, stride=2), IMAGE),
    (convolution_full.ConvTranspose3d(1, 2, 3), IMAGE),
    (convolution_map.MapConv2d(PLANES, PLANES, (4, 4), (3, 2), (1, 1)), IMAGE),
    (convolution_map.MapConvTranspose2d(PLANES, PLANES, (4, 4), (3, 2), (1, 2)), IMAGE),
    (convolution_map.SubSample2d(4, (2, 3), (2, 1)), IMAGE),
    (cuda_layouts.PlanesFirst(nn.MaxPool2d(2)), IMAGE.permute(1, 2, 3, 0)),
    (cuda_layouts.PlanesFirstConv2d(4, 8, (3, 3), (2, 2), (1, 1)), IMAGE.permute(1, 2, 3, 0)),
    (cuda_layouts.PlaneMaxPool(3, 2), IMAGE),
    (cuda_layouts.LocalResponse(3, 0.1, 0.5, 1.0), IMAGE),
    (local_normalization.LocalSubtract(MEAN), IMAGE),
    (local_normalization.LocalDivide(MEAN, MEAN, 0.1, 0.1), IMAGE),
    (lp_pooling.FeatureLPPool(2, 2, 2.0, batched=True), IMAGE.abs()),
    (lrn.CrossMapLRN(3), IMAGE),
    (normalization.BatchNorm2d(4), IMAGE),
    (normalization.CudnnBatchNorm2d(4), IMAGE),
    (normalization.InverseStdBatchNorm(4, 4), IMAGE),
    (pooling.MaxPool((2, 3), (2, 3), (1, 0), ceil_mode=True, record=True), IMAGE),
    (pooling.AvgPool((2, 3), (2, 3), (1, 0), count_include_pad=False), IMAGE),
    (temporal.TemporalConv(4, 3, 2, 2, 1), FRAMES),
    (temporal.TemporalRowConv(4, 3), FRAMES),
    (temporal.TemporalSubSample(4, 3), FRAMES),
    (temporal.TemporalMaxPool(3, 2), FRAMES),
    (temporal.TemporalKMaxPool(2, 0.4), FRAMES),
    (upsampling.UpsampleNearest(2), IMAGE),
    (upsampling.UpsampleNearest(3, dims=2), IMAGE),
    (upsampling.UpsampleLinear(2), IMAGE),
    (upsampling.UpsampleLinear(size=(9, 5), dims=2), IMAGE),
]


@pytest.mark.filterwarnings("ignore")  # of the exporter's own imports
@pytest.mark.parametrize(("module", "input"), CASES, ids=lambda value: type(value).__name__)
def test_printed_copied_and_exported(module: nn.Module, input: torch.Tensor) -> None:
    module.eval()
    assert re.match(rf"{type(module).__name__}\(.+\)$", repr(module), re.DOTALL)
    with torch.no_grad():
        expected = module(input)
        assert torch.isfinite(expected).all()
        assert torch.equal(copy.deepcopy(module)(input), expected)
        exported = torch.export.export(module, (input,)).module()
        assert torch.allclose(exported(input), expected)


@pytest.mark.filterwarnings("ignore")
def test_unpooling_exports_with_its_pooling() -> None:
    pool = pooling.MaxPool((2, 2), (2, 2), (0, 0), record=True)
    network = nn.Sequential(pool, nn.ReLU(), unpooling.MaxUnpool(pool))
    expected = network(IMAGE)

    assert torch.equal(torch.export.export(network, (IMAGE,)).module()(IMAGE), expected)
    with pytest.raises(RuntimeError, match="the pooling gave"):
        network[2](IMAGE)


def test_fresh_parameters_have_the_bounds_of_luas_reset() -> None:
    conv = convolution.LocalConv2d(4, 2, (6, 7), (3, 2), (1, 1), (0, 0))
    bound = (4 * 3 * 2) ** -0.5

    assert 0.9 * bound < conv.weight.abs().max().item() <= bound
    assert conv.bias.abs().max().item() <= bound


def test_arguments_that_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="either output_size"):
        fractional_pooling.FractionalMaxPool((2, 2))
    with pytest.raises(ValueError, match="either scale"):
        upsampling.UpsampleLinear(2, (3, 3))
    assert "output_ratio=(0.5, 0.5)" in repr(
        fractional_pooling.FractionalMaxPool((2, 2), output_ratio=(0.5, 0.5))
    )
