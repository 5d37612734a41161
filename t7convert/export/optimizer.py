"""The state of ``optim.sgd`` as the state of ``torch.optim.SGD``, to resume fine-tuning."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from t7convert.conversion.convert import Converted
from t7convert.conversion.flat_layout import Layout, layout_for
from t7convert.errors import CheckpointError
from t7convert.format import load
from t7convert.format.objects import LuaStorage, LuaTensor
from t7convert.lua import find

#: Tensors of ``optim.sgd`` that hold nothing from one call to the next.
_BUFFERS = frozenset({"deltaParameters", "decayParameters"})
#: Tensors that say a number for each parameter, where torch.optim has one for all.
_INDIVIDUAL = {"learningRates": "learningRate", "weightDecays": "weightDecay"}


def optimizer_state(
    network: Converted | nn.Module,
    table: Mapping[Any, Any] | str | os.PathLike[str],
    *,
    select: str | None = None,
) -> dict[str, Any]:
    """Return what ``torch.optim.SGD(network.parameters()).load_state_dict`` takes.

    The next step of that optimizer is the step that ``optim.sgd`` would have made (torch/optim
    sgd.lua): ``dfdx`` becomes the momentum of each parameter, in the order of ``getParameters()``,
    each shared parameter once. ``dampening`` is Lua's, which defaults to the momentum; so is
    ``learningRate`` (0.001). ``lr`` is the rate of the next step, ``learningRateDecay`` applied;
    ``initial_lr`` is the rate without it, for a scheduler, and ``eval_counter`` the steps done.

    Args:
        network: a converted network, or the result of converting one.
        table: the optimiser's table (``optimState_90.t7``), or the path of a file with it.
        select: where in the file it stands, if it isn't the root.

    Raises:
        CheckpointError: if the table is no state of ``optim.sgd``, its vector has not one number
            for each parameter, a rate is no number, or the order of the parameters isn't known.
        ConversionError: if Lua couldn't flatten the network.
        PathError: if ``select`` leads nowhere.
    """
    found: Any = load(os.fspath(table)) if isinstance(table, (str, os.PathLike)) else table
    if select is not None:
        found = find.follow(found, select)
    if not isinstance(found, Mapping):
        raise CheckpointError(f"the state of an optimiser is a table, and this is {found!r}")
    layout = layout_for(network)
    _check_kind(found)
    return _state(network.network if isinstance(network, Converted) else network, layout, found)


def _state(network: nn.Module, layout: Layout, table: Mapping[Any, Any]) -> dict[str, Any]:
    momentum = _number(table, "momentum", 0.0)
    rate = _number(table, "learningRate", 1e-3)
    steps = _number(table, "evalCounter", 0)
    decay = _number(table, "learningRateDecay", 0.0)
    try:
        optimizer = torch.optim.SGD(
            network.parameters(),
            lr=rate / (1 + steps * decay),
            momentum=momentum,
            dampening=_number(table, "dampening", momentum),
            weight_decay=_number(table, "weightDecay", 0.0),
            nesterov=table.get("nesterov") not in (None, False),
        )
    except ValueError as error:
        raise CheckpointError(f"torch.optim.SGD can't do this: {error}") from error
    group = optimizer.param_groups[0]
    group |= {"initial_lr": rate, "eval_counter": int(steps)}
    if table.get("dfdx") is not None:
        keys = network.state_dict(keep_vars=True)
        vector = _vector(table["dfdx"], layout)
        for piece in layout.pieces:
            parameter = keys[piece.key]
            if piece.transform is not None:
                raise CheckpointError(f"{piece.key} is not the Lua parameter but made from it")
            buffer = piece.read(vector).to(parameter.dtype, copy=True)
            optimizer.state[parameter] = {"momentum_buffer": buffer.contiguous()}
    return dict(optimizer.state_dict())


def _check_kind(table: Mapping[Any, Any]) -> None:
    """Refuse what isn't the state of ``optim.sgd``, or more than torch.optim.SGD can say."""
    for name, one in _INDIVIDUAL.items():
        if table.get(name) is not None:
            raise CheckpointError(
                f"{name} gives each parameter its own {one}; torch.optim.SGD has one for a group"
            )
    arrays = (LuaTensor, LuaStorage, Tensor, np.ndarray)
    for name, value in table.items():
        if isinstance(value, arrays) and name != "dfdx" and name not in _BUFFERS:
            raise CheckpointError(
                f"optim.sgd keeps no tensor {name!r}: this is the state of another optimiser"
            )
    if not any(name in table for name in ("dfdx", "learningRate", "evalCounter")):
        raise CheckpointError(
            "this table has none of dfdx, learningRate and evalCounter: no state of optim.sgd"
        )


def _number(table: Mapping[Any, Any], name: str, default: float) -> float:
    value = table.get(name)
    if value is None or value is False:  # ``or``, as Lua has it
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise CheckpointError(f"{name} is {value!r}, expected a number")
    return float(value)


def _vector(value: Any, layout: Layout) -> Tensor:
    if isinstance(value, LuaTensor):
        value = np.array(value.numpy())
    if not isinstance(value, (Tensor, np.ndarray)):
        raise CheckpointError(f"dfdx is {value!r}, expected a tensor")
    vector = torch.as_tensor(value).detach().cpu().contiguous()
    if vector.dim() != 1 or len(vector) != layout.size:
        raise CheckpointError(
            f"dfdx is a tensor of {tuple(vector.shape)}, expected one number for each of the "
            f"network's {layout.size:,} parameters"
        )
    return vector
