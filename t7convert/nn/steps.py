"""What of a network Lua's way back goes through, and what one forward pass left behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor, nn

from t7convert.nn.inplace import Overwriting

#: How gradients go through a module: a single one, or a container of this kind.
Kind = Literal["single", "chain", "fork", "pairs", "join", "graph"]
#: Where the gradient of a single module lies: in its own tensor; it is the very tensor that the
#: module got; another view of that memory; that memory, overwritten; each entry a view of it.
Place = Literal["own", "same", "view", "over", "spread"]
#: Of a graph's node: its position in ``children``, the nodes that feed it, the entry it selects.
Row = tuple["int | None", "tuple[int, ...]", "int | None"]


@dataclass(eq=False)
class Step:
    """A module of the network, and how Lua goes back through it.

    Attributes:
        place: where its gradient lies.
        keeps: whether backward reads what the last call kept, not the input that it is given.
        dim: of a join, the dimension.
        rows: of a graph, its nodes; ``order`` their positions in the order of backward, ``start``
            and ``end`` the input and the output.
    """

    module: nn.Module
    kind: Kind = "single"
    place: Place = "own"
    keeps: bool = False
    children: list[Step] = field(default_factory=list)
    dim: int = 0
    rows: list[Row] = field(default_factory=list)
    order: list[int] = field(default_factory=list)
    start: int = 0
    end: int = 0

    @property
    def inner(self) -> nn.Module:
        """The module, without the wrapper that overwrites its input."""
        return self.module.module if isinstance(self.module, Overwriting) else self.module

    @property
    def restores(self) -> bool:
        """Whether backward puts back what the module overwrote."""
        return isinstance(self.module, Overwriting) and self.module.restoring

    def all(self) -> list[Step]:
        """Return this step and those below, each once."""
        found: dict[int, Step] = {}
        stack = [self]
        while stack:
            step = stack.pop()
            if id(step) not in found:
                found[id(step)] = step
                stack.extend(step.children)
        return list(found.values())


@dataclass(eq=False)
class Pass:
    """One forward pass, by module object: what the last call got and gave.

    Attributes:
        kept: copies of the last inputs of modules whose backward asks for them, by object, and by
            object and shapes.
        outputs: the last outputs, which later calls may have overwritten.
        values: of graphs, the values of the nodes.
        inputs: of graphs, what they got.
    """

    kept: dict[object, Any] = field(default_factory=dict)
    outputs: dict[int, Any] = field(default_factory=dict)
    values: dict[int, list[Any]] = field(default_factory=dict)
    inputs: dict[int, Any] = field(default_factory=dict)


def tensors(value: Any) -> Iterator[Tensor]:
    """Iterate over the tensors of a nested list."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors(item)


def shapes(value: Any) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the tensors of a nested list."""
    return tuple(tuple(tensor.shape) for tensor in tensors(value))


def rebuilt(value: Any, replacements: Iterator[Any]) -> Any:
    """Return the nested list with its tensors replaced, in order."""
    if isinstance(value, Tensor):
        return next(replacements)
    if isinstance(value, (list, tuple)):
        return [rebuilt(item, replacements) for item in value]
    return value
