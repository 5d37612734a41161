"""States of cuDNN's recurrent layers: given, remembered, of sequences of several lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.lua.tree import build
from t7convert.nn.memory import forget
from t7convert.reference import Executor
from tests.build import tensor
from tests.layers.compare import converted, normal
from tests.layers.cudnn_rnn_compare import NAMES, by_hand, compare, lua


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
