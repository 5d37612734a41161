"""dpnn's modules that are random in training: shapes, ranges and statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from t7convert.nn.dpnn_random import SpatialUniformCrop
from tests.drawing import generator
from tests.layers.criterion_compare import compare_module, lua_object, network_of

DRAW = generator(17)


def normal(*shape: int) -> Any:
    return DRAW.normal(size=shape)


def training(typename: str, **fields: Any) -> nn.Module:
    torch.manual_seed(5)
    return network_of(lua_object(typename, **fields)).train()


def test_total_dropout() -> None:
    network = training("nn.TotalDropout", p=0.3)
    drawn = torch.stack([network(torch.ones(3)) for _ in range(2000)])

    assert bool((drawn == drawn[:, :1]).all())
    assert set(drawn.flatten().tolist()) == {0, 1}
    assert abs(drawn.mean().item() - 0.7) < 0.03
    compare_module(lua_object("nn.TotalDropout"), normal(2, 3))


@pytest.mark.parametrize("shape", [(2, 3, 5, 10), (3, 5, 10)])
def test_region_dropout(shape: tuple[int, ...]) -> None:
    network = training("nn.SpatialRegionDropout", p=0.3)
    seen = set()
    for _ in range(60):
        y = network(torch.ones(shape, dtype=torch.float64))
        plane = y.reshape(-1, *shape[-2:])
        assert bool((plane == plane[:1]).all())
        lost = plane[0] == 0
        assert torch.allclose(plane[0][~lost], torch.tensor(1 / 0.7).double())
        seen.add((bool(lost[0].all()), bool(lost[-1].all()), int(lost.sum())))
    # 30 % of 5 rows is one row, of 10 columns three
    assert seen == {(True, False, 10), (False, True, 10), (False, False, 15)}
    compare_module(lua_object("nn.SpatialRegionDropout"), normal(2, 3))
    with pytest.raises(ValueError, match="3 or 4 dimensions"):
        network(torch.ones(2, 3))


def test_region_dropout_takes_both_sides_of_the_columns() -> None:
    network = training("nn.SpatialRegionDropout", p=0.5)
    drawn = {tuple(network(torch.ones(1, 1, 4))[0, 0].tolist()) for _ in range(80)}

    assert {(0, 0, 2, 2), (2, 2, 0, 0)} < drawn


@pytest.mark.parametrize("shape", [(4000, 2, 1, 2), (2, 40, 30)])
def test_simple_colour_transform(shape: tuple[int, ...]) -> None:
    network = training("nn.SimpleColorTransform", inputChannels=2, range=np.array([0.5, 2.0]))
    noise = network(torch.zeros(shape, dtype=torch.float64))
    per_channel = noise.flatten(-2)

    assert bool((per_channel == per_channel[..., :1]).all())
    top = noise.abs().amax((0, 2, 3)) if len(shape) == 4 else noise.abs().amax((1, 2))
    assert bool((top <= torch.tensor([0.5, 2.0]).double()).all())
    if len(shape) == 4:
        assert torch.allclose(top, torch.tensor([0.5, 2.0]).double(), rtol=0.01)
        assert abs(noise.mean().item()) < 0.03
    with pytest.raises(ValueError, match="2 channels"):
        network(torch.zeros(1, 3, 2, 2))
    compare_module(lua_object("nn.SimpleColorTransform", range=np.ones(3)), normal(3, 2, 2))


def test_pca_colour_transform() -> None:
    vectors, values = np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([0.5, 1.0])
    fields = {"inputChannels": 2, "eigenVectors": vectors, "eigenValues": values, "std": 0.1}
    network = training("nn.PCAColorTransform", **fields)
    noise = network(torch.zeros(20000, 2, 1, 1, dtype=torch.float64))[:, :, 0, 0]
    mixed = vectors * values

    assert torch.allclose(noise.T.cov(), torch.from_numpy(0.01 * mixed @ mixed.T), atol=2e-3)
    assert network(torch.zeros(2, 3, 4).double()).shape == (2, 3, 4)
    compare_module(lua_object("nn.PCAColorTransform", **fields), normal(2, 2, 2))


def test_uniform_crop_in_training() -> None:
    network = training("nn.SpatialUniformCrop", oheight=3, owidth=2)
    image = torch.arange(30.0).reshape(1, 5, 6)
    corners = {float(network(image)[0, 0, 0]) for _ in range(200)}

    # rows from 1 to 5 - 3 and columns from 1 to 6 - 2, counted from 1: never the last ones
    assert corners == {6.0 * y + x for y in range(2) for x in range(4)}
    assert network(image.expand(7, 1, 5, 6)).shape == (7, 1, 3, 2)


def test_scaled_uniform_crop_in_training() -> None:
    sizes = []

    class Scaler(nn.Module):
        def forward(self, crop: torch.Tensor) -> torch.Tensor:
            sizes.append(tuple(crop.shape[1:]))
            return crop[:, :4, :4]

    torch.manual_seed(0)
    crop = SpatialUniformCrop((4, 4), (1.1, 2.0), Scaler()).train()
    for _ in range(40):
        try:
            assert crop(torch.zeros(2, 3, 20, 20)).shape == (2, 3, 4, 4)
        except ValueError:  # Lua's window leaves the image, too, at times
            continue
    assert {5, 6, 7, 8} == {height for height, _ in sizes}
    assert all(height == width for height, width in sizes)
