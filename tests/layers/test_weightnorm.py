"""Weight normalisation, whose weight is in no file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from t7convert.inputs.values import to_tensors
from t7convert.lua.tree import build
from tests.build import linear, obj, storage, table, tensor
from tests.layers.compare import check_fixtures, compare, converted, normal

GEOMETRY = {"kW": 2, "kH": 3, "dW": 1, "dH": 2, "padW": 1, "padH": 0}


def conv(typename: str = "nn.SpatialConvolution", **fields: Any) -> LuaObject:
    bias = tensor(normal(4))
    return obj(typename, nInputPlane=2, nOutputPlane=4, bias=bias, **GEOMETRY, **fields)


def norm(child: LuaObject, size: tuple[int, ...], dim: int = 1, **fields: Any) -> LuaObject:
    outputs = size[dim - 1]
    return obj(
        "nn.WeightNorm",
        modules=table(child),
        weightSize=storage(size, "Long"),
        outputDim=dim,
        v=tensor(normal(outputs, int(np.prod(size)) // outputs)),
        g=tensor(normal(outputs, 1)),
        **fields,
    )


def test_golden() -> None:
    check_fixtures("WeightNorm")


CASES: list[tuple[LuaObject, tuple[int, ...]]] = [
    (norm(obj("nn.Linear", bias=tensor(normal(3))), (3, 4)), (2, 4)),
    (norm(obj("nn.Linear"), (3, 4)), (4,)),
    (norm(conv(), (4, 2, 3, 2)), (2, 2, 7, 5)),
    (norm(conv(), (4, 2, 3, 2)), (2, 7, 5)),
    (norm(conv("nn.SpatialConvolutionMM"), (4, 12)), (2, 2, 7, 5)),
    (norm(conv("nn.SpatialFullConvolution"), (2, 4, 3, 2), 2), (1, 2, 3, 4)),
    (norm(conv(), (4, 2, 3, 2), 3), (2, 2, 7, 5)),
]


@pytest.mark.parametrize(("module", "shape"), CASES)
def test_wrapped(module: LuaObject, shape: tuple[int, ...]) -> None:
    compare(module, normal(*shape))


def test_the_weight_is_that_of_the_formula() -> None:
    module = norm(obj("nn.Linear"), (3, 4))
    network = converted(module).network
    v, g = module["v"].numpy(), module["g"].numpy()
    weight = g * v / np.sqrt((v**2).sum(1, keepdims=True) + 1e-4)
    x = normal(5, 4)

    assert np.allclose(network(torch.from_numpy(x)).detach().numpy(), x @ weight.T, rtol=1e-13)
    assert list(network.state_dict()) == ["v", "g"]


def test_parameters_are_in_luas_order_and_nothing_is_left_on_meta() -> None:
    network = converted(CASES[2][0]).network

    assert [name for name, _ in network.named_parameters()] == ["v", "g", "0.bias"]
    assert not any(p.is_meta for p in network.parameters())


def test_a_weight_in_the_file_is_no_parameter() -> None:
    child = linear(4, 3)
    module = norm(child, (3, 4), weight=child["weight"])
    del module.fields["weightSize"]
    x = normal(2, 4)
    with_weight = compare(module, x)
    bare = obj("nn.Linear", bias=child["bias"])
    module.fields["modules"] = table(bare)
    module.fields["weightSize"] = storage([3, 4], "Long")

    assert np.array_equal(with_weight, compare(module, x))


def test_a_module_without_weight_is_refused() -> None:
    with pytest.raises(ConversionError, match="Tanh has no weight"):
        converted(norm(obj("nn.Tanh"), (3, 4)))


def test_the_tree_is_left_as_it_was() -> None:
    module = CASES[0][0]
    made = converted(module)
    made.network(to_tensors(normal(2, 4)))

    assert "weight" not in made.tree.fields["modules"][0].fields
    assert "weight" not in build(module).fields["modules"][0].fields
