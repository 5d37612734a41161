"""From a traced graph to Lua modules: each operation is one, with the values that go into it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn

from t7convert.errors import ConversionError, Problem
from t7convert.export.torch7.building import (
    Network,
    Place,
    RefusedError,
    advice,
    build_at,
    builder_of,
)
from t7convert.export.torch7.shapes import row_of
from t7convert.export.torch7.tracing import Shape, Trace, Varying, changes_input
from t7convert.lua.tree import LuaModule

#: What an operation becomes: the values that go in, in order, and the module.
Made = tuple[list[fx.Node], LuaModule]
HANDLERS: dict[Any, Callable[..., Made]] = {}
#: Functions and methods that give numbers, or lists of tensors of which each is taken by itself.
NUMBERS: set[Any] = {"size", "dim", "numel", "chunk", "split", "unbind", "max", "min"}
NUMBERS |= {torch.chunk, torch.split, torch.unbind, torch.max, torch.min, getattr, len, int, float}
NUMBERS |= {operator.floordiv, operator.mod, operator.eq, operator.pow, math.prod, math.sqrt}
#: Layers after which Lua may write into the output: their backward pass doesn't read it.
_BEFORE_IN_PLACE: tuple[type[nn.Module], ...] = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.Linear,
    nn.ConvTranspose2d,
)
_BEFORE_IN_PLACE += (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def handles(*targets: Any) -> Callable[[Callable[..., Made]], Callable[..., Made]]:
    """Register the decorated function for these functions and names of methods."""

    def register(function: Callable[..., Made]) -> Callable[..., Made]:
        for target in dict.fromkeys(targets):  # some functions have two names
            if target in HANDLERS:
                raise ValueError(f"{target} is already handled")
            HANDLERS[target] = function
        return function

    return register


class Operation:
    """One node of a traced graph, for its handler."""

    def __init__(self, node: fx.Node, trace: Trace, network: Network) -> None:
        self.node, self.trace = node, trace
        self.place = Place(network, _path(node))

    def shapes(self, node: fx.Node) -> tuple[Shape, Shape]:
        """Return the shapes of a tensor in both runs, the batch first.

        Raises:
            RefusedError: if it is no tensor with the batch first.
        """
        first, second = (run.get(node) for run in self.trace.runs)
        if not isinstance(first, Shape) or not isinstance(second, Shape):
            raise RefusedError("it takes something else than a tensor")
        batches = [len(self.trace.inputs[0]), len(self.trace.inputs[0]) + 1]
        if not first or len(first) != len(second) or [first[0], second[0]] != batches:
            raise RefusedError("it takes or gives a tensor that is not a batch of samples")
        return first, second

    def rank(self, node: fx.Node) -> int:
        """Return the dimensions of one sample of a tensor; builders are told."""
        rank = len(self.shapes(node)[0]) - 1
        self.place.network.rank = rank
        self.place.network.view = None
        return rank

    def axis(self, dim: int, node: fx.Node) -> int:
        """Return a dimension of a tensor counted from 0, which must not be the batch."""
        count = len(self.shapes(node)[0])
        axis = dim + count if dim < 0 else dim
        if not 0 < axis < count:
            raise RefusedError(f"dimension {dim} is the batch here, which Lua's modules keep")
        return axis

    def refuse(self, reason: str) -> RefusedError:
        """Return the error with which a handler refuses the operation."""
        return RefusedError(reason)

    def argument(self, value: Any) -> Any:
        """Return what a node in the arguments stands for: a tensor's stays a node."""
        return fx.node.map_arg(value, self._of_node)

    def _of_node(self, node: fx.Node) -> Any:
        first, second = (run.get(node) for run in self.trace.runs)
        if isinstance(first, Shape) or (
            isinstance(first, tuple) and any(isinstance(item, Shape) for item in first)
        ):
            return node
        if isinstance(first, Tensor):
            return _own_tensor(self.trace.network, node, first)
        return first if first == second else Varying(first, second)


def _own_tensor(network: nn.Module, node: fx.Node, found: Tensor) -> Tensor:
    """Return a parameter or buffer of the network, or a view of one."""
    if node.op == "get_attr":
        value: Any = network
        for name in str(node.target).split("."):
            value = getattr(value, name)
        if isinstance(value, Tensor):
            return value
    source = node.args[0] if node.args else None
    if node.op == "call_method" and isinstance(source, fx.Node) and node.target in _VIEWS:
        inner = _own_tensor(network, source, found)
        view: Tensor = getattr(inner, str(node.target))(*node.args[1:], **node.kwargs)
        return view
    raise RefusedError(f"it takes a tensor that is computed from others ({node.name})")


#: Methods that give another look at the same memory.
_VIEWS = frozenset({"t", "transpose", "permute", "unsqueeze", "squeeze", "view"})


def check_known(trace: Trace) -> None:
    """Refuse a network of whose operations some have no equal, whatever goes into them.

    Raises:
        ConversionError: listing them all.
    """
    live, dependent = set(trace.live()), trace.dependent()
    problems = []
    for node in trace.graph.nodes:
        if node.op == "call_module" and node in live:
            module = trace.network.get_submodule(str(node.target))
            if builder_of(module) is None:
                problems.append(problem(node, trace, advice(module)))
        elif node.op.startswith("call_") and node not in live:
            if changes_input(trace.network, node):
                problems.append(problem(node, trace, "it changes a part of a tensor in place"))
        elif node in dependent and not _has_handler(node):
            problems.append(
                problem(node, trace, "torch/nn has no module for it that is known here")
            )
    if problems:
        raise ConversionError(problems)


def _has_handler(node: fx.Node) -> bool:
    return not node.op.startswith("call_") or node.target in HANDLERS or node.target in NUMBERS


def modules_of(trace: Trace, network: Network) -> dict[fx.Node, Made]:
    """Return the Lua module of every operation that the output needs.

    Raises:
        ConversionError: listing every operation without an equal in torch/nn.
    """
    made: dict[fx.Node, Made] = {}
    for node in trace.live():
        if node.op.startswith("call_") and isinstance(trace.runs[0].get(node), Shape):
            made[node] = _one(node, trace, network)
    if network.problems:
        raise ConversionError(network.problems)
    return made


def _one(node: fx.Node, trace: Trace, network: Network) -> Made:
    operation = Operation(node, trace, network)
    try:
        operation.shapes(node)
        if node.op == "call_module":
            return _layer(operation)
        handler = HANDLERS.get(node.target)
        if handler is None:
            raise RefusedError("torch/nn has no module for it that is known here")
        args, kwargs = operation.argument(node.args), operation.argument(node.kwargs)
        return handler(operation, *args, **kwargs)
    except (RefusedError, TypeError) as error:
        network.problems.append(problem(node, trace, str(error)))
        return [], operation.place.lua("nn.Identity")


def _layer(operation: Operation) -> Made:
    node, trace, network = operation.node, operation.trace, operation.place.network
    module = trace.network.get_submodule(str(node.target))
    source = node.args[0] if node.args else None
    if len(node.args) != 1 or node.kwargs or not isinstance(source, fx.Node):
        raise RefusedError("it takes more than one tensor")
    operation.rank(source)
    made = build_at(module, Place(network, str(node.target)))
    if "inplace" in made.fields and not _may_overwrite(source, trace):
        made.fields["inplace"] = False
    if network.view is made:  # a Flatten's: rows of so many numbers, where there is one number
        first, second = operation.shapes(node)
        if first[1] == second[1]:
            made.fields |= row_of(first[1])
    network.view = None
    return [source], made


def _may_overwrite(source: fx.Node, trace: Trace) -> bool:
    """Tell whether Lua may write into a value: nobody else reads it, forward or backward."""
    if source.op != "call_module" or len(source.users) != 1:
        return False
    return isinstance(trace.network.get_submodule(str(source.target)), _BEFORE_IN_PLACE)


def _path(node: fx.Node) -> str:
    stack = node.meta.get("nn_module_stack")
    return str(list(stack.values())[-1][0]) if stack else ""


def problem(node: fx.Node, trace: Trace, reason: str) -> Problem:
    if node.op == "call_module":
        module = type(trace.network.get_submodule(str(node.target)))
        return Problem(f"{module.__module__}.{module.__qualname__}", str(node.target), reason)
    target = node.target
    if callable(target):
        home = str(getattr(target, "__module__", "") or "torch").removeprefix("_")
        name = f"{home}.{getattr(target, '__name__', target)}"
    else:
        name = f"Tensor.{target}"
    return Problem(name, _path(node), reason)
