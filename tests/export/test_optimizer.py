"""The state of optim.sgd: the step after resuming is the one that sgd.lua computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import t7convert
from t7convert.api import to_converted
from t7convert.conversion.flat import flat_vector, layout_of
from t7convert.errors import CheckpointError, PathError
from t7convert.export.optimizer import optimizer_state
from tests.build import linear, sequential, table, tensor
from tests.conftest import FIXTURES

SHARED_NET = FIXTURES / "nets/sharesnet-basic/model.t7"


def sgd_lua(x: Any, gradient: Any, state: dict[str, Any]) -> Any:
    """Return the next x; ``state`` changes as in torch/optim sgd.lua."""
    rate, decay = state.get("learningRate", 1e-3), state.get("learningRateDecay", 0)
    momentum = state.get("momentum", 0)
    dampening = state.get("dampening", momentum)
    step = gradient + state.get("weightDecay", 0) * x
    if momentum:
        if "dfdx" in state:
            state["dfdx"] = state["dfdx"] * momentum + (1 - dampening) * step
        else:
            state["dfdx"] = step.copy()
        step = step + momentum * state["dfdx"] if state.get("nesterov") else state["dfdx"]
    counter = state.get("evalCounter", 0)
    state["evalCounter"] = counter + 1
    return x - rate / (1 + counter * decay) * step


def resumed(network: torch.nn.Module, state: dict[str, Any]) -> torch.optim.SGD:
    """Return an optimizer that goes on from ``state``."""
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    optimizer.load_state_dict(state)
    return optimizer


def set_gradients(converted: Any, flat: Any) -> None:
    """Give each parameter its part of a flat gradient."""
    state = converted.network.state_dict(keep_vars=True)
    for piece in layout_of(converted).pieces:
        state[piece.key].grad = piece.read(torch.from_numpy(flat)).to(state[piece.key].dtype)


CASES: list[dict[str, Any]] = [
    {"learningRate": 0.1, "momentum": 0.9, "nesterov": True, "dampening": 0.0, "weightDecay": 1e-4},
    {"learningRate": 0.1, "momentum": 0.9},
    {"learningRate": 0.1, "momentum": 0.9, "dampening": 0.3, "learningRateDecay": 0.01},
    {"learningRate": 0.1, "weightDecay": 0.1, "evalCounter": 7, "learningRateDecay": 0.5},
    {"momentum": 0.5, "evalCounter": 2},
]


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("started", [True, False])
def test_a_resumed_step_is_the_step_of_sgd_lua(options: dict[str, Any], started: bool) -> None:
    rng = np.random.default_rng(3)
    converted = to_converted(SHARED_NET)
    converted.network.double()
    x = flat_vector(converted).numpy()
    state = dict(options)
    if started and state.get("momentum"):
        state["dfdx"] = rng.standard_normal(x.size)
    lua = table(**{k: tensor(v) if k == "dfdx" else v for k, v in state.items()})
    lua["evalCounter"] = state.get("evalCounter", 0)
    optimizer = resumed(converted.network, optimizer_state(converted, lua))
    for step in range(3):
        gradient = rng.standard_normal(x.size)
        set_gradients(converted, gradient)
        decay = state.get("learningRateDecay", 0)
        optimizer.param_groups[0]["lr"] = optimizer.param_groups[0]["initial_lr"] / (
            1 + decay * (optimizer.param_groups[0]["eval_counter"] + step)
        )
        optimizer.step()
        x = sgd_lua(x, gradient, state)

        np.testing.assert_allclose(flat_vector(converted).numpy(), x, rtol=1e-12, atol=1e-12)


def test_the_rate_of_the_next_step_has_the_decay_in_it() -> None:
    network = t7convert.to_module(sequential(linear(2, 3)))
    state = optimizer_state(
        to_converted(sequential(linear(2, 3))),
        {"learningRate": 0.5, "learningRateDecay": 0.1, "evalCounter": 10},
    )
    optimizer = resumed(network, state)

    assert optimizer.param_groups[0]["lr"] == 0.25
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: 1 / (1 + n * 0.1), last_epoch=10 - 1
    )
    assert scheduler.get_last_lr() == [0.25]


def test_the_momentum_lies_in_the_order_of_lua() -> None:
    converted = to_converted(sequential(linear(2, 3), linear(3, 1)))
    state = optimizer_state(converted, table(dfdx=tensor(np.arange(13.0)), momentum=0.9))
    buffers = [row["momentum_buffer"].tolist() for row in state["state"].values()]

    assert buffers == [[[0, 1], [2, 3], [4, 5]], [6, 7, 8], [[9, 10, 11]], [12]]
    assert state["param_groups"][0]["dampening"] == 0.9


def test_a_shared_parameter_has_one_momentum() -> None:
    weight = tensor(np.ones((2, 2)))
    net = sequential(linear(2, 2, weight=weight), linear(2, 2, weight=weight))
    state = optimizer_state(to_converted(net), table(dfdx=tensor(np.arange(8.0)), momentum=0.9))

    assert len(state["param_groups"][0]["params"]) == 3
    assert state["state"][0]["momentum_buffer"].tolist() == [[0, 1], [2, 3]]
    with pytest.raises(CheckpointError, match=r"dfdx is a tensor of \(12,\).*8 parameters"):
        optimizer_state(to_converted(net), table(dfdx=tensor(np.arange(12.0))))


def test_the_table_may_stand_in_a_file(tmp_path: Path) -> None:
    content = table(optimState=table(learningRate=0.25, dfdx=tensor(np.zeros(9), "Float")))
    t7convert.save(content, tmp_path / "state.t7")
    converted = to_converted(sequential(linear(2, 3)))
    state = optimizer_state(converted, tmp_path / "state.t7", select="optimState")

    assert state["param_groups"][0]["lr"] == 0.25
    assert state["state"][1]["momentum_buffer"].dtype == torch.float64
    with pytest.raises(PathError):
        optimizer_state(converted, tmp_path / "state.t7", select="other")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"learningRate": 0.1, "m": tensor([1.0]), "v": tensor([1.0])}, "keeps no tensor 'm'"),
        ({"learningRate": 0.1, "learningRates": tensor([1.0])}, "its own learningRate"),
        ({"learningRate": 0.1, "weightDecays": tensor([1.0])}, "its own weightDecay"),
        ({"learningRate": "fast"}, "learningRate is 'fast', expected a number"),
        ({"learningRate": 0.1, "dfdx": 3}, "dfdx is 3, expected a tensor"),
        ({"learningRate": 0.1, "nesterov": True, "momentum": 0.9}, "torch.optim.SGD can't do this"),
        ({"epoch": 3}, "no state of optim.sgd"),
        (tensor([1.0]), "is a table, and this is"),
    ],
)
def test_what_is_no_state_of_sgd_is_refused(state: Any, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        optimizer_state(to_converted(sequential(linear(2, 3))), state)
