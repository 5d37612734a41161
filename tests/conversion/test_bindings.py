"""A tie in Lua is one Parameter in PyTorch: after converting, copying, a step, a save."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import t7convert
from t7convert.conversion import View, convert_tree
from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from t7convert.lua.sharing import Geometry
from t7convert.lua.tree import build
from tests.build import linear, obj, sequential, storage, tensor, view

VALUES = np.random.default_rng(1).standard_normal(64)


def converted(root: LuaObject) -> nn.Module:
    """Return the generic network of ``root``."""
    return convert_tree(build(root)).network


def cloned() -> LuaObject:
    """Two modules whose weights are one memory, as clone('weight') leaves them."""
    base = storage(VALUES)
    return sequential(
        linear(4, 4, weight=view(base, (4, 4))), linear(4, 4, weight=view(base, (4, 4)))
    )


def transposed() -> LuaObject:
    """A decoder whose weight is the transposed view of the encoder's."""
    base = storage(VALUES)
    return sequential(
        linear(3, 5, weight=view(base, (5, 3))), linear(5, 3, weight=view(base, (3, 5), (1, 3)))
    )


def test_a_clone_is_one_parameter() -> None:
    network = converted(cloned())

    assert network[0].weight is network[1].weight
    assert sum(p.numel() for p in network.parameters()) == 16 + 4 + 4


def test_a_flattened_model_is_not_shared() -> None:
    base = storage(VALUES)
    network = converted(
        sequential(
            linear(4, 4, weight=view(base, (4, 4))),
            linear(4, 4, weight=view(base, (4, 4), offset=16)),
        )
    )

    assert network[0].weight is not network[1].weight
    assert network[0].weight.untyped_storage().nbytes() == 16 * 8


@pytest.mark.parametrize("root", [cloned, transposed])
def test_a_tie_survives_copy_step_and_move(root: object) -> None:
    network = converted(root()).float()  # type: ignore[operator]
    network = copy.deepcopy(network)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    network(torch.randn(2, network[0].in_features)).square().sum().backward()
    optimiser.step()
    one, two = network[0].weight, network[1].weight

    assert torch.equal(one, two if root is cloned else two.t())
    assert len(list(network.parameters())) == 3


def test_the_gradient_of_a_transposed_tie_is_summed() -> None:
    network = converted(transposed())
    x = torch.randn(2, 3, dtype=torch.float64)
    network(x).sum().backward()
    weight = network[0].weight.detach().clone().requires_grad_()
    y = nn.functional.linear(x, weight, network[0].bias)
    nn.functional.linear(y, weight.t(), network[1].bias).sum().backward()

    torch.testing.assert_close(network[0].weight.grad, weight.grad, rtol=1e-12, atol=1e-12)


def test_overlapping_windows_share_their_common_part() -> None:
    base = storage(VALUES)
    network = converted(
        sequential(
            linear(2, 3, weight=view(base, (3, 2))),
            linear(3, 2, weight=view(base, (2, 3), offset=4)),
        )
    )
    flat = [p for p in network.parameters() if p.dim() == 1 and p.numel() == 10]

    assert len(flat) == 1
    np.testing.assert_array_equal(network[1].weight.detach().numpy().reshape(-1), VALUES[4:10])


def test_interleaved_columns_that_are_tied_to_a_third_view() -> None:
    base = storage(VALUES)
    network = converted(
        sequential(
            linear(2, 2, weight=view(base, (2, 2), (8, 4))),
            linear(2, 2, weight=view(base, (2, 2), (8, 4), offset=4)),
        )
    )

    np.testing.assert_array_equal(
        network[0].weight.detach().numpy(), VALUES[[0, 4, 8, 12]].reshape(2, 2)
    )
    np.testing.assert_array_equal(
        network[1].weight.detach().numpy(), VALUES[[4, 8, 12, 16]].reshape(2, 2)
    )
    assert sum(p.numel() for p in network.parameters()) == 5 + 4


def test_an_expanded_weight_is_one_value_each() -> None:
    base = storage(VALUES[:2])
    network = converted(linear(3, 2, weight=view(base, (2, 3), (1, 0))))

    assert sum(p.numel() for p in network.parameters()) == 2 + 2
    np.testing.assert_array_equal(
        network.weight.detach().numpy(), np.repeat(VALUES[:2, None], 3, 1)
    )


def test_the_matrix_and_the_kernel_of_one_memory_are_one_parameter() -> None:
    base = storage(VALUES)
    conv = {"nInputPlane": 2, "nOutputPlane": 2, "kW": 3, "kH": 1}
    network = converted(
        sequential(
            obj(
                "nn.SpatialConvolutionMM", weight=view(base, (2, 6)), bias=tensor([0.0, 0]), **conv
            ),
            obj(
                "nn.SpatialConvolution",
                weight=view(base, (2, 2, 1, 3)),
                bias=tensor([0.0, 0]),
                **conv,
            ),
        )
    )

    assert network[0].weight is network[1].weight


def test_a_linear_and_a_convolution_of_one_memory_stay_tied() -> None:
    base = storage(VALUES)
    conv = {"nInputPlane": 2, "nOutputPlane": 2, "kW": 3, "kH": 1}
    network = converted(
        sequential(
            linear(6, 2, weight=view(base, (2, 6))),
            obj(
                "nn.SpatialConvolution",
                weight=view(base, (2, 2, 1, 3)),
                bias=tensor([0.0, 0]),
                **conv,
            ),
        )
    )
    with torch.no_grad():
        network[0].weight[0, 0] = 42.0

    assert network[1].weight[0, 0, 0, 0] == 42.0
    assert sum(p.numel() for p in network.parameters()) == 12 + 2 + 2


def test_a_tie_survives_save_and_load(tmp_path: Path) -> None:
    made = t7convert.convert(transposed(), tmp_path / "out.pt")
    network = t7convert.load_model(made.target)

    assert made.parameters == 15 + 5 + 3
    assert torch.equal(network[0].weight, network[1].weight.t())
    assert len(list(network.parameters())) == 3


def test_parameters_follow_the_views_of_a_storage_they_do_not_fill() -> None:
    base = storage(np.arange(1000.0))
    network = converted(linear(2, 2, weight=view(base, (2, 2), (1, 2), offset=100)))

    assert network.weight.tolist() == [[100.0, 102.0], [101.0, 103.0]]
    assert network.weight.is_contiguous()


def test_the_wrong_shape_is_an_error_with_the_path() -> None:
    bad = obj(
        "nn.SpatialConvolution", nInputPlane=2, nOutputPlane=2, kW=3, kH=3, weight=tensor(VALUES)
    )

    with pytest.raises(
        ConversionError, match=r"modules\[1\]: nn.SpatialConvolution: weight: 64 elements"
    ):
        converted(sequential(bad))


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        (View().reshape(6), Geometry((6,), (1,), 4)),
        (View().transpose(0, 1), Geometry((3, 2), (1, 3), 4)),
        (View().narrow(1, 1, 2), Geometry((2, 2), (3, 1), 5)),
        (View().select(0, 1), Geometry((3,), (1,), 7)),
        (View().reshape(-1, 2).permute(1, 0), Geometry((2, 3), (1, 2), 4)),
    ],
)
def test_views_compute_on_geometry(chain: View, expected: Geometry) -> None:
    assert chain.apply(Geometry((2, 3), (3, 1), 4)) == expected
    assert View.from_json(chain.to_json()) == chain


def test_a_view_that_strides_forbid_is_an_error() -> None:
    with pytest.raises(ValueError, match="don't allow"):
        View().reshape(6).apply(Geometry((2, 3), (1, 2), 0))


def test_statistics_that_modules_share_stay_one_through_casts() -> None:
    """Towers of clone('weight', 'bias', 'running_mean', 'running_var') train one statistic."""
    fields = {name: tensor(np.ones(2)) for name in ("running_mean", "running_var")}
    sizes = {"eps": 1e-5, "momentum": 0.1, "affine": False}
    one, two = (obj("nn.BatchNormalization", 2, **sizes, **fields) for _ in range(2))
    network = converted(sequential(one, two))
    for changed in (network.float(), copy.deepcopy(network).double(), network.bfloat16().float()):
        changed.train()(torch.rand(3, 2, dtype=next(changed.buffers()).dtype))
        for name in fields:
            assert changed[0].get_buffer(name) is changed[1].get_buffer(name)

    alone = network[1].double()  # half of it elsewhere: nothing is one any more
    assert alone.running_mean.dtype == torch.float64
    assert network[0].running_mean.dtype == torch.float32
    network.double()
    assert network[0].running_mean is network[1].running_mean
