"""cuDNN's recurrent layers against torch.nn with weights cut by hand, and against the reference.

Torch7 runs these classes on CUDA only, so there are no golden files.
"""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from t7convert.lua.tree import build
from t7convert.nn.memory import forget
from t7convert.reference import Executor
from tests.build import sequential, tensor
from tests.layers.compare import converted, normal
from tests.layers.cudnn_rnn_compare import CLASSES, NAMES, by_hand, compare, lua


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_weights_go_where_torch_has_them(name: str, layers: int, batch_first: bool) -> None:
    module = lua(name, 4, 3, layers, batchFirst=batch_first)
    theirs, ours = by_hand(name, module), converted(module).network

    assert isinstance(ours, CLASSES[name][2])
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for key, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[key], value), key
    x = torch.from_numpy(normal(5, 2, 4))
    assert torch.allclose(ours(x), theirs(x)[0], rtol=1e-12)
    theirs.load_state_dict(ours.state_dict())  # the user's way to a plain torch.nn layer


@pytest.mark.parametrize("shape", [(5, 2, 4), (1, 1, 4), (3, 1, 4), (1, 3, 4)])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_reference(name: str, layers: int, shape: tuple[int, ...]) -> None:
    compare(lua(name, 4, 3, layers), normal(*shape))
    compare(lua(name, 4, 5, layers, batchFirst=True), normal(*shape))


@pytest.mark.parametrize("name", NAMES)
def test_fields_that_older_files_lack(name: str) -> None:
    module = lua(name, 4, 3)
    expected = converted(module).network(torch.ones(2, 2, 4).double())
    for field in ("mode", "bidirectional", "inputMode", "dropout", "batchFirst", "rememberStates"):
        del module.payload[field]
    assert torch.equal(converted(module).network(torch.ones(2, 2, 4).double()), expected)


def test_the_base_class_has_modes_of_its_own() -> None:
    module = lua("BGRU", 4, 3)
    same = LuaObject("cudnn.RNN", module.payload, version=1)
    x = torch.from_numpy(normal(4, 2, 4))
    assert torch.equal(converted(same).network(x), converted(module).network(x))


@pytest.mark.parametrize("name", NAMES)
def test_skipped_input(name: str) -> None:
    """Every gate of the first layer gets the input itself; there are no matrices for it."""
    size, both, gates = 3, name.startswith("B"), CLASSES[name][1]
    full = lua(name, size, size, 2)
    flat = np.array(full.payload["weight"].numpy())
    pieces, ones, position = [], flat.copy(), 0
    for _ in range(1 + both):
        for _ in range(gates):
            ones[position : position + size * size] = np.eye(size).reshape(-1)
            position += size * size
        pieces.append(flat[position : position + gates * size * size])
        position += gates * size * size
    short = np.concatenate([*pieces, flat[position:]])
    module = lua(name, size, size, 2, weight=tensor(short), inputMode="CUDNN_SKIP_INPUT")
    x = normal(4, 2, size)
    (output,) = compare(module, x)
    full.payload["weight"] = tensor(ones)
    assert torch.allclose(output, compare(full, x)[0], rtol=1e-12)
    single = lua(name, size, size, 2, "Cuda", weight=tensor(short, "Cuda"))
    single.payload["inputMode"] = "CUDNN_SKIP_INPUT"
    found = convert_tree(build(single)).network(torch.from_numpy(x).float())
    assert found.dtype == torch.float32
    assert torch.allclose(found.double(), output, atol=1e-5)


def test_dropout_is_between_layers_in_training_only() -> None:
    network: Any = converted(lua("LSTM", 4, 3, 2, dropout=0.5)).network
    x = torch.from_numpy(normal(3, 2, 4))
    assert torch.equal(network(x), network(x))
    network.train()
    torch.manual_seed(1)
    drawn = network(x)
    assert not torch.equal(drawn, network(x))
    torch.manual_seed(1)
    assert torch.equal(drawn, network(x))
    alone = converted(lua("LSTM", 4, 3, 1, dropout=0.5)).network.train()
    assert torch.equal(alone(x), alone(x))


@pytest.mark.parametrize("name", NAMES)
def test_one_flat_weight_in_two_layers_is_one_parameter_each(name: str) -> None:
    first = lua(name, 3, 3, 2)
    hidden = 3 * (1 + name.startswith("B"))
    second = lua(name, hidden, 3, 2) if hidden != 3 else lua(name, 3, 3, 2)
    if hidden == 3:
        second.payload["weight"] = first.payload["weight"]
    made = convert_tree(build(sequential(first, second)))
    made.network.double()
    if hidden == 3:
        assert all(len(keys) == 2 for keys in made.ties())
        assert len(made.ties()) == 8
    made.network(torch.from_numpy(normal(4, 2, 3))).sum().backward()


@pytest.mark.parametrize("name", NAMES)
def test_copies(name: str) -> None:
    network: Any = converted(lua(name, 4, 3, 2, rememberStates=True)).network
    x = torch.from_numpy(normal(3, 2, 4))
    network(x)
    other = copy.deepcopy(network)
    pickled = pickle.loads(pickle.dumps(network))
    buffer = io.BytesIO()
    torch.save(network, buffer)
    buffer.seek(0)
    saved = torch.load(buffer, weights_only=False)
    expected = network(x)
    for again in (other, pickled, saved):
        assert torch.equal(again(x), expected)
    with torch.no_grad():
        network.bias_ih_l1.add_(1)
    assert not torch.equal(forget(network)(x), forget(other)(x))


def test_training_reaches_the_parameters() -> None:
    network: Any = converted(lua("BLSTM", 4, 3, 2)).network
    x = torch.from_numpy(normal(3, 2, 4))
    before = network(x).detach()
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    network(x).sum().backward()
    optimiser.step()
    assert not torch.allclose(network(x), before)


def test_export() -> None:
    network = converted(lua("LSTM", 4, 3, 2, batchFirst=True)).network
    x = torch.from_numpy(normal(2, 3, 4))
    program = torch.export.export(network, (x,), strict=False)
    assert torch.allclose(program.module()(x), network(x), rtol=1e-12)


def test_refusals() -> None:
    wrong = lua("LSTM", 4, 3)
    wrong.payload["weight"] = tensor(normal(100))
    with pytest.raises(ConversionError, match=r"flat weight is \(100,\), expected \(108,\)"):
        converted(wrong)
    with pytest.raises(ConversionError, match="100 numbers, expected more"):
        Executor().call(build(wrong), normal(3, 2, 4))
    wrong.payload["weight"] = tensor(normal(120))
    with pytest.raises(ConversionError, match="120 numbers, expected 108"):
        Executor().call(build(wrong), normal(3, 2, 4))
    with pytest.raises(ConversionError, match="the field mode is 'CUDNN_NEW'"):
        converted(lua("LSTM", 4, 3, mode="CUDNN_NEW"))
    with pytest.raises(ConversionError, match="as many inputs"):
        converted(lua("LSTM", 4, 3, inputMode="CUDNN_SKIP_INPUT"))
    with pytest.raises(RuntimeError, match="3 dimensions expected"):
        converted(lua("LSTM", 4, 3)).network(torch.zeros(2, 4).double())
