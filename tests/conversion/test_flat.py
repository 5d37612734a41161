"""Flat vectors of getParameters(): Lua's order, exact lengths, shared memory."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import t7convert
from t7convert.api import to_converted
from t7convert.conversion import Converted
from t7convert.conversion.flat import (
    attach,
    flat_vector,
    layout_of,
    load_flat,
)
from t7convert.errors import CheckpointError, ConversionError
from t7convert.format.objects import LuaObject
from t7convert.inputs.values import to_arrays, to_tensors
from tests.build import linear, obj, sequential, storage, table, tensor, view
from tests.conftest import FIXTURES
from tests.conversion.flat_numbers import converted, numbers
from tests.golden import assert_close, leaves

NETS = sorted(path.name for path in (FIXTURES / "nets").iterdir())


def gradient(made: Converted) -> Tensor:
    """Return the gradients of a network as Lua's flat gradient."""
    layout, state = layout_of(made), made.network.state_dict(keep_vars=True)
    flat = torch.full((layout.size,), torch.nan, dtype=torch.float64)
    for piece in layout.pieces:
        piece.write(flat, state[piece.key].grad)
    return flat


@pytest.mark.parametrize("arch", ["auto", "generic"])
@pytest.mark.parametrize("name", NETS)
def test_order_is_that_of_torch7(name: str, arch: Any) -> None:
    """The recorded flat gradient is in the order of getParameters()."""
    folder = FIXTURES / "nets" / name
    io = to_arrays(t7convert.load(folder / "io.t7.xz"))
    made = to_converted(next(folder.glob("model.t7*")), arch=arch)
    network = made.network.double()
    output = network(to_tensors(io["input"], dtype=torch.float64))
    torch.autograd.backward(leaves(output), leaves(to_tensors(io["gradOutput"])))
    assert_close("gradParams64", gradient(made), io["gradParams64"], 1e-10)

    before = flat_vector(made)
    assert before.shape == io["gradParams64"].shape
    other = torch.from_numpy(numbers(len(before)))
    load_flat(made, other)
    assert torch.equal(flat_vector(made), other)
    load_flat(made, before)
    again = network(to_tensors(io["input"], dtype=torch.float64))
    for a, b in zip(leaves(output), leaves(again), strict=True):
        assert torch.equal(a, b)


def two(*, reverse: bool = False) -> tuple[LuaObject, Any]:
    """Two layers whose tensors are one storage, as after getParameters(), and its values."""
    values = numbers(20)
    base = storage(values)
    places = [8, 0] if not reverse else [0, 8]
    layers = [
        obj("nn.Linear", weight=view(base, (2, 3), offset=o), bias=view(base, (2,), offset=o + 6))
        for o in places
    ]
    return sequential(layers[0], obj("nn.View", size=storage([3], "Long")), layers[1]), values


@pytest.mark.parametrize("reverse", [False, True])
def test_within_a_storage_the_order_is_that_of_memory(reverse: bool) -> None:
    root, values = two(reverse=reverse)
    made = converted(root)
    assert layout_of(made).size == 16  # the four elements that no tensor sees are dropped
    assert np.array_equal(flat_vector(made).numpy(), values[:16])
    load_flat(made, np.arange(16.0))
    first: Any = made.network[0]  # type: ignore[index]
    start = 0 if reverse else 8
    assert torch.equal(first.weight.flatten(), torch.arange(start, start + 6).double())
    assert torch.equal(first.bias, torch.arange(start + 6, start + 8).double())


def test_storages_come_in_the_order_of_parameters() -> None:
    first, last = linear(3, 2, seed=1), linear(2, 4, seed=2)
    made = converted(sequential(first, obj("nn.Tanh"), last))
    expected = [
        module.payload[n].numpy().reshape(-1)
        for module in (first, last)
        for n in ("weight", "bias")
    ]
    assert np.array_equal(flat_vector(made).numpy(), np.concatenate(expected))


def test_holes_between_tensors_are_dropped() -> None:
    base = storage(np.arange(30.0))
    root = obj("nn.Linear", weight=view(base, (2, 3), offset=20), bias=view(base, (2,), offset=3))
    made = converted(root)
    assert flat_vector(made).tolist() == [3, 4, 20, 21, 22, 23, 24, 25]
    load_flat(made, torch.arange(8.0))
    network: Any = made.network
    assert network.bias.tolist() == [0, 1]
    assert network.weight.tolist() == [[2, 3, 4], [5, 6, 7]]


def test_tensors_with_gaps_can_be_gathered_only_where_nothing_is_dropped() -> None:
    base = storage(np.arange(12.0))
    columns = view(base, (4, 2), stride=(3, 1))
    full = obj("nn.Linear", weight=columns, bias=view(base, (4,), stride=(3,), offset=2))
    made = converted(full)
    assert flat_vector(made).tolist() == list(range(12))
    load_flat(made, torch.arange(12.0) * 2)
    network: Any = made.network
    assert network.bias.tolist() == [4, 10, 16, 22]
    assert network.weight.tolist() == [[0, 2], [6, 8], [12, 14], [18, 20]]

    lost = converted(obj("nn.Linear", weight=columns, bias=tensor(numbers(4))))
    with pytest.raises(ConversionError, match=r"getParameters\(\) can't gather weight"):
        layout_of(lost)
    with pytest.raises(CheckpointError, match="couldn't flatten it"):
        flat_vector(attach(lost))


def shared(how: str) -> LuaObject:
    values = storage(numbers(40))
    second = {"same": (3, 3), "transposed": (3, 3), "part": (2, 3)}[how]
    stride = (1, 3) if how == "transposed" else (3, 1)
    offset = 3 if how == "part" else 0
    return sequential(
        linear(3, 3, weight=view(values, (3, 3))),
        obj("nn.Tanh"),
        obj(
            "nn.Linear",
            weight=view(values, second, stride=stride, offset=offset),
            bias=view(values, (second[0],), offset=20),
        ),
    )


@pytest.mark.parametrize("how", ["same", "transposed", "part"])
def test_shared_tensors_stand_there_once(how: str) -> None:
    made = converted(shared(how))
    bias = 2 if how == "part" else 3
    assert layout_of(made).size == 9 + 3 + bias
    before, parameters = flat_vector(made), len(list(made.network.parameters()))
    load_flat(made, torch.arange(9.0 + 3 + bias))
    network: Any = made.network
    grid = torch.arange(9.0).view(3, 3).double()
    second = {"same": grid, "transposed": grid.t(), "part": grid[1:]}[how]
    # the storage of the first weight comes first, and it holds the second bias too
    assert torch.equal(network[0].weight, grid)
    assert torch.equal(network[2].weight, second)
    assert torch.equal(network[2].bias, torch.arange(9, 9 + bias).double())
    assert torch.equal(network[0].bias, torch.arange(9 + bias, 12 + bias).double())
    assert len(list(network.parameters())) == parameters
    load_flat(made, before)
    assert torch.equal(flat_vector(made), before)


def test_two_parts_of_memory_that_no_parameter_is_as_a_whole() -> None:
    values = storage(numbers(12))
    root = sequential(
        obj("nn.Linear", weight=view(values, (2, 3)), bias=tensor(numbers(2))),
        obj("nn.Linear", weight=view(values, (4, 2), offset=3), bias=tensor(numbers(4))),
    )
    made = converted(root)
    load_flat(made, torch.arange(17.0))
    network: Any = made.network
    assert network[0].weight.flatten().tolist() == list(range(6))
    assert network[1].weight.flatten().tolist() == list(range(3, 11))
    assert flat_vector(made).tolist() == list(range(17))


def test_modules_that_stand_in_several_places_are_met_at_the_first() -> None:
    """A module inside another comes before its own later place in the list of a container."""
    inner, other = linear(2, 2, seed=4), linear(2, 2, seed=5)
    root = sequential(sequential(other, inner), inner, other)
    weights = [m.payload[n].numpy().reshape(-1) for m in (other, inner) for n in ("weight", "bias")]
    assert np.array_equal(flat_vector(converted(root)).numpy(), np.concatenate(weights))


def test_parameters_that_lua_does_not_list_keep_their_values() -> None:
    fixed = obj("nn.LookupTable", weight=tensor(numbers(4, 3)), paddingValue=1)
    words = obj("onmt.WordEmbedding", net=fixed, modules=table(fixed), fix=True)
    made = converted(sequential(words, linear(3, 2)))
    assert layout_of(made).size == 8
    load_flat(made, torch.zeros(8))
    assert torch.equal(
        made.network.state_dict()["0.net.weight"],
        torch.from_numpy(fixed.payload["weight"].numpy().copy()),
    )
    assert not flat_vector(made).any()


def test_a_flat_recurrent_weight() -> None:
    size = 4 * (3 * 2 + 3 * 3 + 6)
    fields: dict[str, Any] = {"inputSize": 2, "hiddenSize": 3, "numLayers": 1, "mode": "CUDNN_LSTM"}
    made = converted(obj("cudnn.LSTM", weight=tensor(numbers(size)), **fields))
    vector = torch.arange(size).double()
    load_flat(made, vector)
    assert torch.equal(flat_vector(made), vector)
    assert torch.equal(made.network.state_dict()["weight_ih_l0"].flatten(), vector[:24])


def test_other_lengths_are_refused_and_change_nothing() -> None:
    made = converted(sequential(linear(3, 2), linear(2, 2)))
    before = flat_vector(made)
    for wrong, message in (
        (torch.zeros(13), "has 13 numbers, 1 fewer than the network's parameters, 14"),
        (torch.zeros(15), "has 15 numbers, 1 more than"),
        (torch.zeros(14, 1), r"a vector was expected, got a tensor of \(14, 1\)"),
        (torch.zeros(0), "14 fewer"),
    ):
        with pytest.raises(CheckpointError, match=message):
            load_flat(made, wrong)
    with pytest.raises(CheckpointError, match="2 statistics, the network has 0"):
        load_flat(made, torch.zeros(14), [torch.zeros(2), torch.ones(2)])
    assert torch.equal(flat_vector(made), before)


@pytest.mark.parametrize("kind", ["numpy", "lua", "float32", "strided", "grad"])
def test_kinds_of_vectors(kind: str) -> None:
    made = converted(linear(3, 2))
    values = numbers(8)
    given: Any = {
        "numpy": values,
        "lua": tensor(values),
        "float32": torch.from_numpy(values).float(),
        "strided": torch.from_numpy(np.stack([values, values], 1))[:, 0],
        "grad": torch.from_numpy(values).requires_grad_(),
    }[kind]
    load_flat(made, given)
    assert np.allclose(flat_vector(made).numpy(), values, rtol=1e-6 if kind == "float32" else 0)
    assert all(p.requires_grad for p in made.network.parameters())
    assert flat_vector(made).dtype == torch.float64


def test_lists_of_tensors_as_parameters_returns_them() -> None:
    made = converted(shared("transposed"))
    first, second = numbers(3, 3), numbers(3)
    load_flat(made, [first, second, first.T, second * 2])
    network: Any = made.network
    assert torch.equal(network[0].weight, torch.from_numpy(first))
    assert torch.equal(network[2].bias, torch.from_numpy(second * 2))
    with pytest.raises(CheckpointError, match="tensor 1 of the list shares memory"):
        load_flat(made, [first, second, first.T + 1, second])
    with pytest.raises(CheckpointError, match="tensor 2 of the list is"):
        load_flat(made, [first, first, first.T, second])
    with pytest.raises(CheckpointError, match=r"the list has 3 tensors, parameters\(\) has 4"):
        load_flat(made, [first, second, first.T])


def test_the_same_module_twice_is_listed_twice() -> None:
    inner = linear(2, 2)
    made = converted(sequential(inner, obj("nn.Tanh"), inner))
    weight, bias = numbers(2, 2), numbers(2)
    load_flat(made, [weight, bias, weight, bias])
    assert np.array_equal(flat_vector(made).numpy(), [*weight.reshape(-1), *bias])


@pytest.mark.parametrize("how", ["same", "transposed"])
def test_a_network_carries_its_layout(how: str) -> None:
    made = attach(converted(shared(how)))
    networks = [made, copy.deepcopy(made)]
    if how == "same":  # torch doesn't pickle parametrised modules
        networks.append(pickle.loads(pickle.dumps(made)))
    for network in networks:
        load_flat(network, torch.arange(15.0))
        assert flat_vector(network).tolist() == list(range(15))
    with pytest.raises(CheckpointError, match="it isn't known how Lua ordered"):
        flat_vector(nn.Linear(2, 2))


def test_a_part_of_a_parameter_is_not_enough() -> None:
    """A network that lacks some of the numbers can't give them."""
    made = converted(linear(3, 2))
    layout = layout_of(made)
    network = attach(made)
    network.flat_layout = type(layout)(layout.size, layout.pieces[:1])  # type: ignore[assignment]
    with pytest.raises(ConversionError, match="2 of the 8 numbers are in no parameter"):
        flat_vector(network)
