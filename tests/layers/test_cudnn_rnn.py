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
from torch import Tensor, nn

from t7convert.conversion import convert_tree
from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from t7convert.lua.tree import build
from t7convert.nn.memory import forget
from t7convert.reference import Executor
from tests import golden
from tests.build import obj, sequential, tensor
from tests.layers.compare import converted, normal

CLASSES = {
    "RNNReLU": ("RNN_RELU", 1, nn.RNN),
    "RNNTanh": ("RNN_TANH", 1, nn.RNN),
    "LSTM": ("LSTM", 4, nn.LSTM),
    "GRU": ("GRU", 3, nn.GRU),
    "BLSTM": ("LSTM", 4, nn.LSTM),
    "BGRU": ("GRU", 3, nn.GRU),
}
NAMES = list(CLASSES)


def length(inputs: int, hidden: int, layers: int, directions: int, gates: int) -> int:
    """Return how many numbers the flat weight has, counted gate by gate."""
    total = 0
    for layer in range(layers):
        width = inputs if layer == 0 else hidden * directions
        total += directions * gates * (hidden * width + hidden * hidden + 2 * hidden)
    return total


def lua(
    name: str, inputs: int, hidden: int, layers: int = 1, kind: str = "Double", **fields: Any
) -> LuaObject:
    """Return a layer as its constructor makes it, with a random weight."""
    mode, gates, _ = CLASSES[name]
    both = name.startswith("B")
    made: dict[str, Any] = {
        "inputSize": inputs,
        "hiddenSize": hidden,
        "numLayers": layers,
        "mode": f"CUDNN_{mode}",
        "bidirectional": "CUDNN_BIDIRECTIONAL" if both else "CUDNN_UNIDIRECTIONAL",
        "inputMode": "CUDNN_LINEAR_INPUT",
        "weight": tensor(0.5 * normal(length(inputs, hidden, layers, 1 + both, gates)), kind),
        "dropout": 0,
        "batchFirst": False,
        "rememberStates": False,
        "datatype": "CUDNN_DATA_FLOAT",
        "sync": True,
        "seed": 0x01234567,
    }
    return obj(f"cudnn.{name}", **{**made, **fields})


def by_hand(name: str, module: LuaObject) -> Any:
    """Return torch.nn's layer with the flat weight cut gate by gate, in cuDNN's order.

    For every layer and direction the input's matrix of each gate, then the recurrent ones; behind
    all matrices the biases, in the same order.
    """
    _, gates, kind = CLASSES[name]
    get = module.payload.get
    inputs, hidden, layers = (int(get(n)) for n in ("inputSize", "hiddenSize", "numLayers"))
    flat = torch.from_numpy(np.array(get("weight").numpy()))
    options = {"nonlinearity": "relu" if name == "RNNReLU" else "tanh"} if gates == 1 else {}
    both = name.startswith("B")
    made = kind(
        inputs, hidden, layers, bidirectional=both, batch_first=get("batchFirst"), **options
    )
    made.double()
    state: dict[str, Tensor] = {}
    suffixes = [f"l{k}{d}" for k in range(layers) for d in ("", "_reverse")[: 1 + both]]
    for suffix in suffixes:
        first = suffix in ("l0", "l0_reverse")
        for part, width in (
            ("weight_ih", inputs if first else hidden * (1 + both)),
            ("weight_hh", hidden),
        ):
            matrices = []
            for _ in range(gates):
                matrices.append(flat[: hidden * width].view(hidden, width))
                flat = flat[hidden * width :]
            state[f"{part}_{suffix}"] = torch.cat(matrices)
    for suffix in suffixes:
        for part in ("bias_ih", "bias_hh"):
            state[f"{part}_{suffix}"] = flat[: gates * hidden]
            flat = flat[gates * hidden :]
    assert not len(flat)
    made.load_state_dict(state)
    return made


def compare(module: LuaObject, *inputs: Any) -> list[Any]:
    """Check the converted layer against the reference on calls in sequence; return its outputs."""
    tree = build(module)
    made = convert_tree(tree)
    made.network.double()
    executor = Executor()
    outputs = []
    for value in inputs:
        given = golden.tensors(value, grad=True)
        call = executor.call(tree, executor.cast(value))
        output = made.network(given)
        outputs.append(output)
        golden.assert_close("output", output, call.output, golden.OUTPUT_RTOL)
    gy = normal(*output.shape)
    made.network.zero_grad()
    output.backward(torch.from_numpy(gy))
    gx = call.backward(gy)
    found = given[0].grad if isinstance(given, list) else given.grad
    golden.assert_close("gx", found, gx[0] if isinstance(gx, list) else gx, golden.GRADIENT_RTOL)
    (flat,) = golden._bound_gradients(made)
    expected = executor.gradients[id(tree), "weight"]
    golden.assert_close("gradWeight", flat, expected, golden.GRADIENT_RTOL)
    return outputs


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
def test_packed_sequences(name: str) -> None:
    """Sequences of 4, 2 and 1 steps give what they give alone."""
    module = lua(name, 4, 3, 2, batchFirst=True)
    lengths, steps = (4, 2, 1), normal(3, 4, 4)
    counts = np.array([3, 2, 1, 1])
    rows = np.concatenate([steps[:n, t] for t, n in enumerate(counts)])
    (output,) = compare(module, [rows, counts])

    network, position = converted(module).network, 0
    for t, n in enumerate(counts):
        for number in range(n):
            alone = network(torch.from_numpy(steps[number : number + 1, : lengths[number]]))
            assert torch.allclose(output[position], alone[0, t], rtol=1e-12)
            position += 1


@pytest.mark.parametrize("name", NAMES)
def test_remembered_states(name: str) -> None:
    module = lua(name, 4, 3, 2, rememberStates=True)
    x = normal(3, 2, 4)
    first, second, _ = compare(module, x, x, normal(3, 5, 4))
    assert not torch.allclose(first, second)

    network = converted(module).network
    assert torch.allclose(network(torch.from_numpy(x)), first)
    network.train().eval()
    assert torch.allclose(network(torch.from_numpy(x)), second)  # modes don't matter
    network(torch.from_numpy(normal(3, 5, 4)))
    assert torch.allclose(network(torch.from_numpy(x)), first)  # another batch starts anew
    forget(network)
    assert torch.allclose(network(torch.from_numpy(x)), first)
    if not name.startswith("B"):
        whole = compare(lua(name, 4, 3, 2, weight=module.payload["weight"]), np.concatenate([x, x]))
        assert torch.allclose(torch.cat([first, second]), whole[0], rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_given_states(name: str) -> None:
    number = 2 * (1 + name.startswith("B"))
    hidden, cell = normal(number, 2, 3), normal(number, 2, 3)
    fields: dict[str, Any] = {"hiddenInput": tensor(hidden), "cellInput": tensor(cell)}
    module, x = lua(name, 4, 3, 2, **fields), normal(3, 2, 4)
    first, second = compare(module, x, x)
    assert torch.equal(first, second)

    start = tuple(map(torch.from_numpy, (hidden, cell)))
    theirs, after = by_hand(name, module)(
        torch.from_numpy(x), start if "LSTM" in name else start[0]
    )
    assert torch.allclose(first, theirs, rtol=1e-12)
    network: Any = converted(module).network
    network(torch.from_numpy(x))
    expected = after if "LSTM" in name else (after,)
    found = (network.hidden_output, network.cell_output)
    for a, b in zip(found, expected, strict=False):
        assert torch.allclose(a, b, rtol=1e-12)
    del module.payload["cellInput"]
    compare(module, x)
    compare(lua(name, 4, 3, 2, rememberStates=True, **fields), x, x)  # which wins over the field
    with pytest.raises(RuntimeError, match="hidden"):
        network(torch.from_numpy(normal(3, 5, 4)))
    with pytest.raises(ConversionError, match="hiddenInput is"):
        Executor().call(build(module), normal(3, 5, 4))


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
