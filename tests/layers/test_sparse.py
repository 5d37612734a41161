"""Linear maps of sparse inputs against Torch7, the reference and their dense equals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.format.objects import Array, LuaObject
from tests.build import obj, tensor
from tests.layers.compare import check_fixtures, compare, converted, indices, normal, reference


@pytest.mark.parametrize("name", ["SparseLinear", "IndexLinear"])
def test_golden(name: str) -> None:
    check_fixtures(name)


def sparse(**fields: Any) -> LuaObject:
    return obj("nn.SparseLinear", weight=tensor(normal(3, 6)), bias=tensor(normal(3)), **fields)


def pairs(*shape: int) -> Array:
    return np.stack([indices(6, *shape).astype(float), normal(*shape)], -1)


@pytest.mark.parametrize("decay", [0, 0.5])
@pytest.mark.parametrize("gradient", [False, True])
def test_sparse_linear_forms(decay: float, gradient: bool) -> None:
    module = sparse(weightDecay=decay)
    for input in (pairs(4), [pairs(2), pairs(5)], [pairs(1)], pairs(2, 3), pairs(1, 3)):
        compare(module, input)
    x = torch.from_numpy(pairs(4)).requires_grad_()
    converted(sparse(doGradInput=gradient)).network(x).sum().backward()
    assert (x.grad is not None) == gradient


def test_the_dense_gradient_at_the_pairs_is_the_values_gradient() -> None:
    module, input = sparse(doGradInput=True), pairs(4)
    x = torch.from_numpy(input).requires_grad_()
    converted(module).network(x).sum().backward()
    call = reference(module, input)
    (dense,) = call.backward(np.ones(3))

    assert np.array_equal(dense[:, 0], np.arange(1, 7))
    assert x.grad is not None
    assert np.allclose(x.grad[:, 1].numpy(), dense[input[:, 0].astype(int) - 1, 1], rtol=1e-12)


def test_zeros_count_nothing_whatever_their_index() -> None:
    module, input = sparse(), np.array([[[2.0, 0.5], [0.0, 0.0]], [[9.0, 0.0], [1.0, 2.0]]])
    output = compare(module, input)
    weight, bias = module["weight"].numpy(), module["bias"].numpy()

    assert np.allclose(output, [0.5 * weight[:, 1] + bias, 2 * weight[:, 0] + bias], rtol=1e-12)
    with pytest.raises(IndexError):
        converted(module).network(torch.tensor([[9.0, 1.0]], dtype=torch.float64))
    with pytest.raises(ConversionError, match=r"9 is outside 1\.\.6"):
        reference(module, np.array([[9.0, 1.0]]))


def test_other_inputs_are_refused() -> None:
    with pytest.raises(RuntimeError, match="pairs of index and value"):
        converted(sparse()).network(torch.ones(3, 4, dtype=torch.float64))
    with pytest.raises(ConversionError, match="pairs of index and value"):
        reference(sparse(), normal(3, 4))


def index(normalize: int = 0, **fields: Any) -> LuaObject:
    weight = normal(6, 3 + normalize)
    if normalize:
        weight[:, 0] = np.abs(weight[:, 0]) + 0.1
        weight[:, 1] = 1 / weight[:, 0]
    bias = tensor(normal(3))
    return obj("nn.IndexLinear", weight=tensor(weight), bias=bias, normalize=normalize, **fields)


KEYS, VALUES = indices(6, 5), normal(5)
FORMS: list[Any] = [
    [KEYS, VALUES],
    [[KEYS], [VALUES]],
    [[KEYS[:2], KEYS[2:]], [VALUES[:2], VALUES[2:]]],
    [KEYS, VALUES, np.array([2, 0, 3])],
]


@pytest.mark.parametrize("normalize", [0, 4])
@pytest.mark.parametrize("form", FORMS)
def test_index_linear_forms(form: Any, normalize: int) -> None:
    compare(index(normalize), form)


def test_index_linear_is_the_dense_map_and_knows_its_offset() -> None:
    module = index(offset=0)
    keys, values = np.array([5, 0]), np.array([2.0, -1.0])
    output = compare(module, [keys, values])
    weight = module["weight"].numpy()

    assert np.allclose(output, 2 * weight[5] - weight[0] + module["bias"].numpy(), rtol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_dense_gradient_of_index_linear(form: Any) -> None:
    module = index(doGradInput=True)
    given = [
        [torch.from_numpy(x) for x in part] if isinstance(part, list) else torch.from_numpy(part)
        for part in form
    ]
    values: Any = given[1] if isinstance(given[1], list) else [given[1]]
    for x in values:
        x.requires_grad_()
    output = converted(module).network(given)
    output.sum().backward()
    call = reference(module, form)
    _, dense = call.backward(np.ones(tuple(output.shape)))
    row = np.concatenate([np.atleast_2d(part) for part in np.atleast_2d(dense)])[0]

    found = np.concatenate([x.grad.numpy() for x in values])
    assert np.allclose(found, row[KEYS - 1], rtol=1e-12)


def test_normalised_index_linear_has_no_input_gradient() -> None:
    call = reference(index(4, doGradInput=True), FORMS[0])
    with pytest.raises(ConversionError, match="max-normalize"):
        call.backward(np.ones(3))


def test_training_widens_the_table_value_by_value() -> None:
    module = index(4)
    keys = np.array([2, 3, 2, 2, 5, 3])
    values = np.array([0.5, -9.0, -7.0, 6.0, 0.01, 1.0])
    network = converted(module).network.train()
    output = network([torch.from_numpy(keys), torch.from_numpy(values)])

    weight = module["weight"].numpy().copy()
    expected = module["bias"].numpy().copy()
    for key, value in zip(keys, values, strict=True):  # as IndexLinear.c does
        row = weight[key - 1]
        if abs(value) > row[0]:
            row[0], row[1] = abs(value), 1 / abs(value)
        row[2] = 1
        inside = np.sign(value) if abs(value) > row[0] else value * row[1]
        expected += (inside + row[3]) * row[4:]

    assert np.allclose(output.detach().numpy(), expected, rtol=1e-12)
    table = dict(network.named_parameters())["weight"].detach().numpy()
    assert np.allclose(table, weight, rtol=1e-15)
    output.sum().backward()
    gradient = dict(network.named_parameters())["weight"].grad
    assert gradient is not None
    assert not gradient[:, :3].any()
    assert gradient[:, 3:].any()
