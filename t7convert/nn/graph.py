"""A network as a graph of modules, as nngraph built them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Node:
    """One node: its module (None passes on), the nodes that feed it, the entry it selects."""

    name: str
    module: nn.Module | None
    inputs: tuple[int, ...]
    select: int | None = None


class GraphModule(nn.Module):
    """Run the nodes in the given order; each gets the outputs of its inputs.

    A node with one input gets it bare, with several a list, with none the empty list. Several
    network inputs (outputs) are a list.
    Source: nngraph gmodule.lua, ``runForwardFunction``.

    Attributes:
        values: a list that the next call puts the values of all nodes into, or None.
    """

    values: list[Any] | None = None

    def __init__(self, nodes: Sequence[Node], *, input: int, output: int, num_inputs: int) -> None:
        super().__init__()
        self.num_inputs = num_inputs
        self._input, self._output = input, output
        self._wiring = [("" if n.module is None else n.name, n.inputs, n.select) for n in nodes]
        self._labels = [n.name for n in nodes]
        last = {source: reader for reader, n in enumerate(nodes) for source in n.inputs}
        self._finished: list[list[int]] = [[] for _ in nodes]  # read by this node for the last time
        for source, reader in last.items():
            if source != output:
                self._finished[reader].append(source)
        for node in nodes:
            if node.module is not None:
                self.add_module(node.name, node.module)

    def forward(self, input: Any) -> Any:
        if self.num_inputs > 1 and len(input) != self.num_inputs:
            raise RuntimeError(f"got {len(input)} inputs instead of {self.num_inputs}")
        values: list[Any] = []
        for position, (name, inputs, select) in enumerate(self._wiring):
            if position == self._input:
                value = input
            elif len(inputs) == 1:
                value = values[inputs[0]]
            else:
                value = [values[source] for source in inputs]
            if select is not None:
                value = value[select]
            values.append(getattr(self, name)(value) if name else value)
            for source in self._finished[position] if self.values is None else ():
                values[source] = None
        if self.values is not None:
            self.values = values
        return values[self._output]

    def extra_repr(self) -> str:
        rows = []
        for position, (name, inputs, select) in enumerate(self._wiring):
            label = self._labels[position]
            sources = ", ".join(self._labels[i] for i in inputs)
            sources = "input" if position == self._input else sources
            pick = "" if select is None else f"[{select}]"
            rows.append(f"{label} = {name or 'pass'}({sources}){pick}")
        return "\n".join([*rows, f"output = {self._labels[self._output]}"])


class JustElement(nn.Module):
    """Give the only entry of a list.

    Source: nngraph JustElement.lua.
    """

    def forward(self, input: Sequence[Any]) -> Any:
        (element,) = input
        return element


class JustTable(nn.Module):
    """Give a list with the input as its only entry.

    Source: nngraph JustTable.lua.
    """

    def forward(self, input: Any) -> list[Any]:
        return [input]


class ModuleFromCriterion(nn.Module):
    """Give the loss of ``[prediction, target]`` as a vector of one; the target has no gradient.

    Source: nngraph ModuleFromCriterion.lua.
    """

    def __init__(self, criterion: nn.Module) -> None:
        super().__init__()
        self.criterion = criterion

    def forward(self, input: tuple[Any, Any]) -> Tensor:
        prediction, target = input
        constant = target.detach() if isinstance(target, Tensor) else target
        loss: Tensor = self.criterion(prediction, constant)
        return loss.reshape(1)
