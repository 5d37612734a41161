"""The arithmetic of single blocks, written out beside them."""

import math

import pytest
import torch
from torch import nn

from t7convert import models
from t7convert.models import BasicBlock, PreActBottleneck, WideBasic


def norm_eval(norm, x):
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return (x - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]


def randomise(network):
    generator = torch.Generator().manual_seed(3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for value in (module.weight, module.running_var):
                value.data.uniform_(0.5, 1.5, generator=generator)
            for value in (module.bias, module.running_mean):
                value.data.normal_(0, 0.3, generator=generator)
    return network.double().eval()


@pytest.mark.parametrize(
    ("inputs", "stride", "kind"), [(8, 1, "B"), (4, 2, "B"), (8, 1, "C"), (4, 2, "A")]
)
def test_basic_block_arithmetic(inputs, stride, kind):
    block = randomise(BasicBlock(inputs, 8, stride=stride, shortcut_type=kind))
    x = torch.randn(2, inputs, 7, 7, dtype=torch.float64)
    convolve = nn.functional.conv2d
    out = norm_eval(block.bn1, convolve(x, block.conv1.weight, stride=stride, padding=1)).relu()
    out = norm_eval(block.bn2, convolve(out, block.conv2.weight, padding=1))
    if kind == "A":
        side = torch.cat([x[:, :, ::2, ::2], torch.zeros(2, 4, 4, 4)], 1)
    elif block.downsample is None:
        side = x
    else:
        side = convolve(x, block.downsample[0].weight, stride=stride)
        side = norm_eval(block.downsample[1], side)
    assert (kind == "C") == (inputs == 8 and block.downsample is not None)
    torch.testing.assert_close(block(x), (out + side).relu(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("make", [PreActBottleneck, WideBasic])
@pytest.mark.parametrize("inputs", [4, 8])
def test_preactivation_block_shortcut_sees_raw_or_activated_input(make, inputs):
    stride = 1 if inputs == 8 else 2
    block = randomise(make(inputs, 8, stride=stride))
    last = block.conv3 if make is PreActBottleneck else block.conv2
    nn.init.zeros_(last.weight)
    x = torch.randn(2, inputs, 6, 6, dtype=torch.float64)
    if inputs == 8:
        expected = x
    else:
        active = norm_eval(block.bn1, x).relu()
        expected = nn.functional.conv2d(active, block.downsample[0].weight, stride=2)
    torch.testing.assert_close(block(x), expected, rtol=1e-12, atol=1e-12)


def test_padding_shortcut_keeps_nan_in_sight():
    block = models.sharesnet_cifar(8, widths=(4, 8, 16), shortcut_type="A").layer2[0].downsample
    out = block(torch.full((1, 4, 4, 4), math.nan))
    assert out.shape == (1, 8, 2, 2)
    assert out.isnan().all()
