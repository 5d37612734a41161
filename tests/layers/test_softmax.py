"""The softmax functions against Torch7 and against the reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from tests.build import obj
from tests.layers.compare import check_fixtures, compare, converted, normal, reference

CLASSES = "SoftMax LogSoftMax SoftMin SpatialSoftMax SpatialLogSoftMax"
SHAPES = [(7,), (1, 5), (3, 5), (4, 3, 2), (2, 4, 3, 5)]


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(name: str) -> None:
    check_fixtures(name)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [f"nn.{name}" for name in CLASSES.split()])
def test_ranks(name: str, shape: tuple[int, ...]) -> None:
    compare(obj(name), 30 * normal(*shape))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("algorithm", ["FAST", "ACCURATE", "LOG"])
@pytest.mark.parametrize("mode", ["CHANNEL", "INSTANCE"])
@pytest.mark.parametrize("name", ["SoftMax", "LogSoftMax", "SpatialSoftMax", "SpatialLogSoftMax"])
def test_cudnn_modes(name: str, mode: str, algorithm: str, shape: tuple[int, ...]) -> None:
    mode_field, algorithm_field = f"CUDNN_SOFTMAX_MODE_{mode}", f"CUDNN_SOFTMAX_{algorithm}"
    module = obj(f"cudnn.{name}", mode=mode_field, algorithm=algorithm_field)
    output = compare(module, normal(*shape))

    log = name.endswith("LogSoftMax") or algorithm == "LOG"
    instance = not name.startswith("Spatial") or mode == "INSTANCE"
    plane = int(len(shape) in (2, 4))
    total = (np.exp(output) if log else output).sum(
        tuple(range(plane, len(shape))) if instance else plane
    )
    assert np.allclose(total, 1)


def test_cudnn_defaults_are_those_of_its_constructors() -> None:
    x = torch.from_numpy(normal(2, 4, 3, 5))
    spatial = converted(obj("cudnn.SpatialSoftMax")).network(x)
    whole = converted(obj("cudnn.SoftMax")).network(x)

    assert torch.allclose(spatial, x.softmax(1), rtol=1e-12)
    assert torch.allclose(whole, x.flatten(1).softmax(1).view_as(x), rtol=1e-12)


@pytest.mark.parametrize("shape", [(4, 2, 3, 5), (2, 4, 2, 3, 5)])
@pytest.mark.parametrize("name", ["VolumetricSoftMax", "VolumetricLogSoftMax"])
def test_cudnn_volumes(name: str, shape: tuple[int, ...]) -> None:
    algorithm = "CUDNN_SOFTMAX_LOG" if "Log" in name else "CUDNN_SOFTMAX_ACCURATE"
    inner = obj("cudnn.SpatialSoftMax", algorithm=algorithm)
    x = normal(*shape)
    output = compare(obj(f"cudnn.{name}", ssm=inner), x)

    plane = len(shape) - 4
    z = np.exp(x) / np.exp(x).sum(plane, keepdims=True)
    assert np.allclose(output, np.log(z) if "Log" in name else z, rtol=1e-12)


def test_other_ranks_are_refused() -> None:
    x = normal(1, 2, 2, 2, 2)
    with pytest.raises(RuntimeError, match="the input has 5"):
        converted(obj("nn.SoftMax")).network(torch.from_numpy(x))
    with pytest.raises(ConversionError, match="its input has 5"):
        reference(obj("nn.SoftMax"), x)
    volumes = obj("cudnn.VolumetricSoftMax", ssm=obj("cudnn.SpatialSoftMax"))
    with pytest.raises(RuntimeError, match="the input has 3"):
        converted(volumes).network(torch.zeros(2, 2, 2))
    with pytest.raises(ConversionError, match="its input has 3"):
        reference(volumes, normal(2, 2, 2))


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ConversionError, match="the field mode is 'CUDNN_NEW'"):
        converted(obj("cudnn.SpatialSoftMax", mode="CUDNN_NEW"))
