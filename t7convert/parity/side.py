"""The converted side of the check: what runs, in which precision, where its modules stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from t7convert.conversion.bindings import Record
from t7convert.conversion.convert import Converted
from t7convert.nn.memory import forget
from t7convert.parity.opening import Output
from t7convert.parity.precision import pick_device
from t7convert.parity.tolerances import TOLERANCES, Tolerance


@dataclass(frozen=True)
class Side:
    """The converted network, ready to run.

    Attributes:
        network: what runs.
        modules: Lua path → the names of the submodules that compute it.
        dtype, device: how and where it runs.
        criterion: whether it takes an input and a target.
        batched: whether it always keeps the batch dimension.
        differentiable: whether it has a backward.
        keys: state_dict key of each binding, by module and name; for a network of its own.
        limits: what was asked for and can't be done.
    """

    network: nn.Module
    modules: Mapping[str, Sequence[str]]
    dtype: torch.dtype
    device: torch.device
    criterion: bool = False
    batched: bool = False
    differentiable: bool = True
    keys: Mapping[tuple[int, str], str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()

    @property
    def tolerance(self) -> Tolerance:
        """What the dtype is allowed."""
        return TOLERANCES[str(self.dtype).removeprefix("torch.")]

    @property
    def widens(self) -> bool:
        """Whether this is float32 and can be judged in float64, too: no graph, not on MPS."""
        return self.dtype is torch.float32 and self.differentiable and self.device.type != "mps"

    @contextmanager
    def in_double(self) -> Iterator[Side]:
        """Run in float64 inside the block."""
        try:
            yield replace(self, network=self.network.double(), dtype=torch.float64)
        finally:
            self.network.to(self.dtype)

    def answer(self, inputs: Any) -> Any:
        """Return the network's output; a criterion's input is the list of input and target."""
        given = inputs if self.criterion else [inputs]
        return forget(self.network)(*given)

    def parameter(self, record: Record) -> Tensor:
        """Return the Parameter that a Lua tensor became, in the network that runs."""
        key = self.keys.get((id(record.module), record.name))
        if key is not None:
            return self.network.get_parameter(key)
        return base_parameter(record.module, record.name)


def base_parameter(module: nn.Module, name: str) -> Tensor:
    """Return a module's Parameter, or the one that its parametrisation shows."""
    parametrizations = getattr(module, "parametrizations", None)
    if parametrizations is not None and name in parametrizations:
        base = parametrizations[name].original
        assert isinstance(base, Tensor)
        return base
    parameter = module._parameters[name]
    assert parameter is not None
    return parameter


def side_of(converted: Converted, dtype: str, device: str, opened: Output) -> Side:
    """Return what runs: the conversion's network, or the output's own; cast and moved.

    Raises:
        SelectionError: if the device isn't there.
    """
    criterion = converted.tree.spec.kind == "criterion"
    graph = opened.graph
    if graph is not None and opened.network is not None:
        wanted = [(f"--dtype {dtype}", dtype != str(graph.dtype).removeprefix("torch."))]
        wanted += [(f"--device {device}", device not in ("cpu", "auto"))]
        limits = tuple(
            f"{option}: the graph runs in {graph.dtype} on the CPU".replace("torch.", "")
            for option, refused in wanted
            if refused
        )
        place = torch.device("cpu")
        return Side(
            *(opened.network, {}, graph.dtype, place, criterion),
            batched=True,
            differentiable=False,
            limits=limits,
        )
    place, kind = pick_device(device), getattr(torch, dtype)
    if opened.network is None:
        if opened.runs:
            converted.network.to(device=place, dtype=kind)
        return Side(converted.network, converted.modules, kind, place, criterion)
    network = opened.network.to(device=place, dtype=kind)
    names = _names(converted, network) if opened.names else {}
    rest = len(converted.modules) - len(names)
    limits = (f"outputs of {rest} inner modules: those here may be others",) if rest else ()
    keys = {(id(b.record.module), b.record.name): b.key for b in converted.bindings}
    return Side(network, names, kind, place, criterion, keys=keys, limits=limits)


def _names(converted: Converted, network: nn.Module) -> dict[str, tuple[str, ...]]:
    there = {name for name, _ in network.named_modules(remove_duplicate=False)}
    named = {
        path: tuple(name for name in names if name in there)
        for path, names in converted.modules.items()
    }
    return {path: names for path, names in named.items() if names}
