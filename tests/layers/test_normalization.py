"""Batch normalisation, response normalisation, local normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.format.objects import Array, LuaObject
from tests.build import obj, sequential, table, tensor
from tests.layers.compare import check_fixtures, compare, converted, normal, positive, reference

CLASSES = """
BatchNormalization SpatialBatchNormalization SpatialContrastiveNormalization SpatialCrossMapLRN
SpatialDivisiveNormalization SpatialSubtractiveNormalization VolumetricBatchNormalization
cudnn.SpatialBatchNormalization cudnn.SpatialCrossMapLRN
"""
SHAPES = {
    "BatchNormalization": (6, 3),
    "SpatialBatchNormalization": (2, 3, 4, 5),
    "VolumetricBatchNormalization": (2, 3, 2, 4, 5),
}


def batch_norm(name: str, *, affine: bool = True, old: bool = False, **more: Any) -> LuaObject:
    variance = positive(3)
    fields: dict[str, Any] = {"running_mean": tensor(normal(3)), "eps": 1e-3, "momentum": 0.3}
    if old:
        fields["running_std"] = tensor((variance + 1e-3) ** -0.5)
    else:
        fields["running_var"] = tensor(variance)
    if affine:
        fields.update(weight=tensor(normal(3)), bias=tensor(normal(3)))
    return obj(name, 1 if old else 2, **{**fields, **more})


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(name: str) -> None:
    check_fixtures(name)


@pytest.mark.parametrize("package", ["nn", "cudnn"])
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("affine", [False, True])
def test_batch_norm(package: str, name: str, old: bool, affine: bool) -> None:
    made = batch_norm(f"{package}.{name}", affine=affine, old=old)
    compare(made, normal(*SHAPES[name]))
    compare(made, normal(1, *SHAPES[name][1:]))
    compare(made, normal(*SHAPES[name][1:]))  # evaluation takes one without a batch


@pytest.mark.parametrize("missing", ["weight", "bias"])
@pytest.mark.parametrize("name", ["nn.BatchNormalization", "fbnn.BatchNormalization"])
def test_weight_or_bias_alone(name: str, missing: str) -> None:
    without: dict[str, Any] = {missing: None}
    made = batch_norm(name, old=name.startswith("fbnn"), **without)
    compare(made, normal(4, 3))


def training(made: LuaObject, x: Array) -> tuple[torch.nn.Module, Array]:
    network = converted(made).network.train()
    return network, network(torch.from_numpy(x)).detach().numpy()


@pytest.mark.parametrize("package", ["nn", "cudnn"])
@pytest.mark.parametrize("name", SHAPES)
def test_training_updates_the_statistics_as_torch7(package: str, name: str) -> None:
    made, x = batch_norm(f"{package}.{name}", affine=False), normal(*SHAPES[name])
    assert made.payload is not None
    mean, var = (made.payload[f"running_{n}"].copy() for n in ("mean", "var"))
    network, y = training(made, x)
    rest = (0, *range(2, x.ndim))
    shape = (1, 3) + (1,) * (x.ndim - 2)
    centred = x - x.mean(rest).reshape(shape)

    assert np.allclose(y, centred / np.sqrt(x.var(rest) + 1e-3).reshape(shape), rtol=1e-12)
    state = network.state_dict()
    assert np.allclose(state["running_mean"], 0.7 * mean + 0.3 * x.mean(rest), rtol=1e-13)
    assert np.allclose(state["running_var"], 0.7 * var + 0.3 * x.var(rest, ddof=1), rtol=1e-13)
    assert state["num_batches_tracked"] == 1


def test_training_on_a_batch_of_one_uses_the_running_statistics() -> None:
    made, x = batch_norm("nn.SpatialBatchNormalization"), normal(1, 3, 4, 5)
    network, y = training(made, x)

    assert np.allclose(y, reference(made, x).output, rtol=1e-12)
    assert network.state_dict()["num_batches_tracked"] == 0
    assert not np.allclose(training(batch_norm("cudnn.SpatialBatchNormalization"), x)[1], y)


def test_training_needs_a_batch() -> None:
    network = converted(batch_norm("nn.SpatialBatchNormalization")).network.train()
    with pytest.raises(ValueError, match="4 dimensions"):
        network(torch.zeros(3, 4, 5, dtype=torch.float64))
    with pytest.raises(ValueError, match="4 dimensions"):
        network.eval()(torch.zeros(3, 5, dtype=torch.float64))


def test_batch_norm_keeps_torchs_names() -> None:
    network = converted(batch_norm("nn.SpatialBatchNormalization")).network

    assert isinstance(network, torch.nn.BatchNorm2d)
    assert list(network.state_dict()) == [
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "num_batches_tracked",
    ]


def test_statistics_of_another_length_are_refused() -> None:
    made = batch_norm("nn.BatchNormalization", running_var=tensor(positive(4)))
    with pytest.raises(ConversionError, match="running_var"):
        converted(made)


@pytest.mark.parametrize("shape", [(7, 3, 4), (1, 7, 4, 3), (2, 2, 3, 4)])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("package", ["nn", "cudnn"])
def test_response_normalisation(package: str, size: int, shape: tuple[int, ...]) -> None:
    fields: dict[str, Any] = {"size": size, "alpha": 0.7, "beta": 0.6, "k": 1.5}
    compare(obj(f"{package}.SpatialCrossMapLRN", **fields), normal(*shape))


def test_an_even_size_looks_one_map_further_up() -> None:
    x = np.ones((4, 1, 1))
    fields = {"size": 2, "alpha": 2, "beta": 1, "k": 1}
    output = compare(obj("nn.SpatialCrossMapLRN", **fields), x).reshape(-1)

    assert np.allclose(output, [1 / 3, 1 / 3, 1 / 3, 1 / 2])


def test_old_cudnn_wrote_a_capital_k() -> None:
    fields: dict[str, Any] = {"size": 3, "alpha": 0.7, "beta": 0.6}
    x = normal(4, 3, 3)
    old = compare(obj("cudnn.SpatialCrossMapLRN", K=2.5, **fields), x)

    assert np.array_equal(old, compare(obj("cudnn.SpatialCrossMapLRN", k=2.5, **fields), x))


def estimator(kernel: Array, planes: int, *, square: bool) -> LuaObject:
    """Return the estimator that nn's constructors make."""
    k = kernel.shape[0]
    pads = {"pad_l": kernel.shape[-1] // 2, "pad_r": kernel.shape[-1] // 2}
    modules = [obj("nn.SpatialZeroPadding", pad_t=k // 2, pad_b=k // 2, **pads)]
    zeros = tensor(np.zeros(planes))
    if kernel.ndim == 2:
        weight = np.broadcast_to(kernel, (1, planes, *kernel.shape))
        modules.append(obj("nn.SpatialConvolution", weight=tensor(weight), bias=zeros))
    else:
        row = np.broadcast_to(kernel, (planes, 1, k))
        column = np.broadcast_to(kernel[:, None], (1, planes, k, 1))
        modules.append(obj("nn.SpatialConvolutionMap", weight=tensor(row), bias=zeros))
        modules.append(obj("nn.SpatialConvolution", weight=tensor(column), bias=zeros))
    modules.append(obj("nn.Replicate", nfeatures=planes, dim=1, ndim=3))
    if square:
        modules = [obj("nn.Square"), *modules, obj("nn.Sqrt")]
    return sequential(*modules)


def subtractive(kernel: Array, planes: int = 3) -> LuaObject:
    return obj(
        "nn.SpatialSubtractiveNormalization",
        nInputPlane=planes,
        kernel=tensor(kernel),
        meanestimator=estimator(kernel / kernel.sum() / planes, planes, square=False),
        subtractor=obj("nn.CSubTable"),
        divider=obj("nn.CDivTable"),
    )


def divisive(kernel: Array, planes: int = 3, **more: Any) -> LuaObject:
    scaled = kernel / kernel.sum() / (planes if kernel.ndim == 2 else np.sqrt(planes))
    return obj(
        "nn.SpatialDivisiveNormalization",
        nInputPlane=planes,
        kernel=tensor(kernel),
        meanestimator=estimator(scaled, planes, square=False),
        stdestimator=estimator(scaled, planes, square=True),
        normalizer=obj("nn.CDivTable"),
        divider=obj("nn.CDivTable"),
        thresholder=obj("nn.Threshold", threshold=1e-4, val=1e-4),
        **more,
    )


KERNELS = [positive(3, 5), positive(5)]


@pytest.mark.parametrize("shape", [(3, 7, 6), (1, 3, 7, 6), (2, 3, 4, 9)])
@pytest.mark.parametrize("kernel", KERNELS)
def test_local_normalisation(kernel: Array, shape: tuple[int, ...]) -> None:
    compare(subtractive(kernel), normal(*shape))
    compare(divisive(kernel), normal(*shape))
    compare(divisive(kernel, threshold=0.9, thresval=2), normal(*shape))
    both = sequential(subtractive(kernel), divisive(kernel))
    compare(obj("nn.SpatialContrastiveNormalization", normalizer=both), normal(*shape))


def test_local_normalisation_has_no_parameters() -> None:
    made = converted(divisive(KERNELS[0]))

    assert not list(made.network.parameters())
    assert not made.network.state_dict()


def test_zeros_divide_by_the_value_and_have_no_gradient_through_the_root() -> None:
    compare(divisive(KERNELS[1], thresval=0.5), np.zeros((3, 5, 5)))


def test_an_estimator_with_a_bias_is_refused() -> None:
    made = subtractive(KERNELS[0])
    assert made.payload is not None
    convolution = made.payload["meanestimator"].payload["modules"].list()[1]
    convolution.payload["bias"] = tensor(np.ones(1))
    with pytest.raises(ConversionError, match="has a bias"):
        converted(made)
    with pytest.raises(ConversionError, match="has a bias"):
        reference(made, normal(3, 4, 4))


@pytest.mark.parametrize(
    ("estimator", "problem"),
    [
        (table(), "is no module"),
        (sequential(LuaObject("nn.SpatialConvolution", None)), "holds something that is no module"),
        (sequential(obj("nn.Identity")), "an estimator with 0 convolutions"),
    ],
)
def test_an_estimator_that_is_none_is_refused(estimator: Any, problem: str) -> None:
    made = obj("nn.SpatialSubtractiveNormalization", nInputPlane=1, meanestimator=estimator)
    with pytest.raises(ConversionError, match=problem):
        converted(made)


def test_a_batch_too_many_is_refused() -> None:
    with pytest.raises(ValueError, match="5 dimensions, expected 3 or 4"):
        reference(batch_norm("nn.SpatialBatchNormalization"), normal(1, 2, 3, 4, 5))


def test_cudnns_divisive_normalisation_never_ran() -> None:
    made = obj("cudnn.SpatialDivisiveNormalization", size=5, alpha=1e-4, beta=0.75, K=2)
    with pytest.raises(ConversionError, match="it never ran"):
        converted(made)
    with pytest.raises(ConversionError, match="doesn't have"):
        reference(made, normal(3, 4, 4))
