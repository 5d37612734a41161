"""The CUDA modules of 2012 to 2015, by hand and against the reference: their kernels are gone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from t7convert.errors import ConversionError
from t7convert.format.objects import Array
from tests.build import obj, tensor
from tests.layers.compare import compare, converted, normal, positive, reference

FFT = "FFT CuFFT FBFFT FBFFTGemm FFTTiled FFTTiledAsync FFTTiledIterated FFTTiledSync"


def batch_first(x: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 0)))


@pytest.mark.parametrize("padding", [0, 1, 2, 3])
@pytest.mark.parametrize("bias", [False, True])
def test_cunn_convolution(padding: int, bias: bool) -> None:
    weight, x = normal(3, 3, 3, 16), normal(3, 8, 8, 2)
    fields: dict[str, Any] = {"bias": tensor(np.ones(16))} if bias else {}
    made = obj(
        "nn.SpatialConvolutionCUDA",
        weight=tensor(weight),
        nInputPlane=3,
        nOutputPlane=16,
        kW=3,
        kH=3,
        dW=2,
        dH=2,
        padding=padding,
        **fields,
    )
    output = compare(made, x)

    assert output.shape == (16, (padding + 8 - 3) // 2 + 1, (padding + 8 - 3) // 2 + 1, 2)
    left, right = padding // 2, padding - padding // 2
    image = F.pad(batch_first(x), (left, right, left, right))
    expected = F.conv2d(image, batch_first(weight), stride=2) + float(bias)
    assert np.allclose(np.moveaxis(output, -1, 0), expected, rtol=1e-12)


def test_cunn_max_pooling() -> None:
    made = obj("nn.SpatialMaxPoolingCUDA", kW=2, kH=2, dW=2, dH=2)
    x = normal(3, 5, 5, 4)
    output = compare(made, x)

    assert output.shape == (3, 2, 2, 4)
    assert output[1, 0, 1, 2] == x[1, :2, 2:4, 2].max()


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 1), (3, 2, 0), (4, 3, 1)])
def test_ccn2_convolution(kernel: int, stride: int, padding: int, size: int, groups: int) -> None:
    made = obj(
        "ccn2.SpatialConvolution",
        weight=tensor(normal(4 // groups * kernel**2, 16)),
        bias=tensor(normal(16)),
        nInputPlane=4,
        nOutputPlane=16,
        kH=kernel,
        dH=stride,
        padding=padding,
        groups=groups,
    )
    output = compare(made, normal(4, size, size, 2))

    side = int(np.ceil((2 * padding + size - kernel) / stride + 1))
    assert output.shape == (16, side, side, 2)


@pytest.mark.parametrize("size", [6, 7])
@pytest.mark.parametrize("name", ["ccn2.SpatialMaxPooling", "ccn2.SpatialAvgPooling"])
def test_ccn2_pooling(name: str, size: int) -> None:
    x = normal(2, size, size, 3)
    output = compare(obj(name, kW=3, dW=2), x)

    assert output.shape[1] == 3
    corner = x[0, 4:, 4:, 0]  # the last window is cut, and counts what is in it
    assert np.isclose(output[0, 2, 2, 0], corner.max() if "Max" in name else corner.mean())


def test_ccn2_steps_beyond_the_window_are_refused() -> None:
    for name in ("SpatialMaxPooling", "SpatialAvgPooling"):
        made = obj(f"ccn2.{name}", kW=2, dW=3)
        with pytest.raises(ConversionError, match="exceeds its window"):
            converted(made)
        with pytest.raises(ConversionError, match="exceeds its window"):
            reference(made, normal(1, 4, 4, 1))
    made = obj("ccn2.SpatialCrossMaxPooling", kD=2, dD=3)
    with pytest.raises(ConversionError, match="exceeds its window"):
        reference(made, normal(4, 2, 2, 1))


def test_ccn2_pooling_over_planes() -> None:
    x = normal(7, 3, 3, 2)
    output = compare(obj("ccn2.SpatialCrossMaxPooling", kD=3, dD=2), x)

    assert output.shape == (3, 3, 3, 2)
    assert np.array_equal(output[2], x[4:].max(0))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_ccn2_response_normalisation(size: int) -> None:
    fields: dict[str, Any] = {"size": size, "addScale": 0.3, "powScale": 0.7, "minDiv": 1.5}
    compare(obj("ccn2.SpatialCrossResponseNormalization", **fields), normal(6, 4, 4, 2))
    compare(obj("ccn2.SpatialResponseNormalization", **fields), normal(3, 6, 5, 2))


def test_ccn2_even_windows_have_one_more_before() -> None:
    fields: dict[str, Any] = {"size": 2, "addScale": 1, "powScale": 1, "minDiv": 1}
    planes = compare(obj("ccn2.SpatialCrossResponseNormalization", **fields), np.ones((3, 1, 1, 1)))
    pixels = compare(obj("ccn2.SpatialResponseNormalization", **fields), np.ones((1, 2, 2, 1)))

    assert np.allclose(planes.reshape(-1), [1 / 2, 1 / 3, 1 / 3])
    assert np.allclose(pixels.reshape(-1), [1 / 2, 1 / 3, 1 / 3, 1 / 5])


def test_ccn2_blocked_windows_are_refused() -> None:
    made = obj("ccn2.SpatialCrossResponseNormalization", size=3, addScale=0.1, blocked=True)
    with pytest.raises(ConversionError, match="blocked"):
        converted(made)
    with pytest.raises(ConversionError, match="blocked"):
        reference(made, normal(3, 2, 2, 1))


@pytest.mark.parametrize("kind", FFT.split())
def test_convolution_by_fft_is_a_convolution(kind: str) -> None:
    made = obj(
        f"nn.SpatialConvolution{kind}",
        weight=tensor(normal(4, 2, 3, 5)),
        bias=tensor(normal(4)),
        nInputPlane=2,
        nOutputPlane=4,
        kW=5,
        kH=3,
        dW=1,
        dH=1,
        padLeft=2,
        padRight=2,
        padUp=1,
        padDown=1,
    )
    assert compare(made, normal(2, 2, 6, 7)).shape == (2, 4, 6, 7)


def test_fbnn_convolution_holds_a_cudnn_module_with_the_same_tensors() -> None:
    weight, bias = tensor(normal(4, 2, 3, 5)), tensor(normal(4))
    inner = obj("cudnn.SpatialConvolution", weight=weight, bias=bias)
    made = obj(
        "fbnn.SpatialConvolution",
        weight=weight,
        bias=bias,
        inputPlanes=2,
        outputPlanes=4,
        kW=5,
        kH=3,
        dW=2,
        dH=1,
        padLeft=2,
        padUp=1,
        cudnnModuleInst=inner,
    )
    assert compare(made, normal(2, 2, 6, 7)).shape == (2, 4, 6, 4)
    assert type(converted(made).network) is nn.Conv2d


def test_temporal_convolution_fb() -> None:
    made = obj(
        "nn.TemporalConvolutionFB",
        weight=tensor(normal(5, 3, 4)),
        bias=tensor(normal(5)),
        inputFrameSize=4,
        outputFrameSize=5,
        kW=3,
        dW=2,
    )
    assert compare(made, normal(2, 9, 4)).shape == (2, 4, 5)


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize(
    ("name", "shape"), [("BatchNormalization", (6, 3)), ("SpatialBatchNormalization", (2, 3, 4, 5))]
)
def test_fbnn_batch_norm(name: str, shape: tuple[int, ...], affine: bool) -> None:
    mean, std = normal(3), positive(3)
    fields: dict[str, Any] = {"eps": 1e-3, "momentum": 0.3}
    if affine:
        fields.update(weight=tensor(normal(3)), bias=tensor(normal(3)))
    made = obj(f"fbnn.{name}", running_mean=tensor(mean), running_std=tensor(std), **fields)
    x = normal(*shape)
    compare(made, x)

    network = converted(made).network.train()
    output = network(torch.from_numpy(x))
    rest = (0, *range(2, x.ndim))
    inverse = 1 / np.sqrt(x.var(rest) + 1e-3)
    state = network.state_dict()
    assert np.allclose(state["running_mean"], 0.7 * mean + 0.3 * x.mean(rest), rtol=1e-12)
    assert np.allclose(state["running_std"], 0.7 * std + 0.3 * inverse, rtol=1e-12)
    if not affine:
        assert np.allclose(output.detach().mean(rest), 0, atol=1e-12)
    with pytest.raises(ValueError, match="dimensions"):
        network(torch.zeros(3, dtype=torch.float64))
