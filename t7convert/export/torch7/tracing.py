"""A PyTorch network's forward as a graph: which operations it calls, and with which shapes.

``torch.fx`` follows the forward; two runs on batches and images of two sizes then tell which
numbers depend on the input. What can't be followed, or run, is an error that names the module.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn

from t7convert.errors import first_line
from t7convert.export.torch7.building import RefusedError, advice, is_known

#: In-place forms of operators; methods and functions are known by the ``_`` at their end.
_IN_PLACE = frozenset({"iadd", "isub", "imul", "itruediv", "setitem", "__setitem__"})


class Shape(tuple[int, ...]):
    """The shape of a tensor that depends on the network's input."""


@dataclass(frozen=True)
class Varying:
    """A number (or several) that depends on the sizes of the input."""

    first: Any
    second: Any


@dataclass
class Trace:
    """A network's graph of evaluation, and what two runs gave for each node.

    Attributes:
        network: the network itself, of which the parameters are.
        graph: its live operations in order, in-place ones made plain.
        runs: by node, the Shape of a tensor that depends on the input (tuples of Shapes), a
            tensor that doesn't, or another value.
        training: by node, the arguments that the same node has in training mode.
        differs: whether the forward computes something else in training mode.
        inputs: the inputs of the first run.
        expected: its output.
    """

    network: nn.Module
    graph: fx.Graph
    runs: tuple[Mapping[fx.Node, Any], Mapping[fx.Node, Any]] = ({}, {})
    training: dict[fx.Node, fx.Node] = field(default_factory=dict)
    differs: bool = False
    inputs: tuple[Tensor, ...] = ()
    expected: Any = None

    def live(self) -> list[fx.Node]:
        """Return the nodes of which the output needs the values, in order."""
        nodes = list(self.graph.nodes)
        needed = {nodes[-1]}
        for node in reversed(nodes):
            if node in needed:
                needed.update(node.all_input_nodes)
        return [node for node in nodes if node in needed or node.op == "placeholder"]

    def dependent(self) -> set[fx.Node]:
        """Return the nodes of which the values hang on the input."""
        found: set[fx.Node] = set()
        for node in self.graph.nodes:
            if node.op == "placeholder" or found.intersection(node.all_input_nodes):
                found.add(node)
        return found


class UnfollowedError(Exception):
    """The forward of a module can't be followed.

    Attributes:
        module: the innermost module whose forward failed.
        path: its name.
    """

    def __init__(self, module: nn.Module, path: str, reason: str) -> None:
        super().__init__(reason)
        self.module, self.path = module, path


class _Follower(fx.Tracer):
    """Follows the forward down to layers that the writer knows, or PyTorch's own."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: tuple[nn.Module, str] | None = None

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return is_leaf(m)

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        path = self.path_of_module(m)
        if not is_leaf(m) and (m._forward_hooks or m._forward_pre_hooks):
            self.failed = m, path
            raise RefusedError("it has forward hooks, which have no equal in torch/nn")
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception:
            self.failed = self.failed or (m, path)
            raise


def is_leaf(module: nn.Module) -> bool:
    """Tell whether a module is taken as a whole."""
    if is_known(module):
        return not isinstance(module, nn.Sequential)
    home = type(module).__module__
    if home.startswith(("t7convert.nn.", "torch.jit.")):  # advice() says what helps
        return True
    return home.startswith("torch.nn.") and not isinstance(module, nn.Sequential)


def follow(network: nn.Module, count: int = 1) -> Trace:
    """Return the graph of a network of so many inputs; nothing is run yet.

    Other arguments of the forward have their defaults.

    Raises:
        UnfollowedError: if the forward hangs on values, or does what torch.fx doesn't know.
    """
    graph = _graph(network, count, train=False)
    trace = Trace(network, graph)
    nodes = list(graph.nodes)
    try:
        again = list(_graph(network, count, train=True).nodes)
    except UnfollowedError:
        again = []
    if [(n.op, n.target) for n in nodes] == [(n.op, n.target) for n in again]:
        trace.training = dict(zip(nodes, again, strict=True))
    else:
        trace.differs = True
    _without_changes(network, graph)
    return trace


def _graph(network: nn.Module, count: int, *, train: bool) -> fx.Graph:
    if isinstance(network, torch.jit.ScriptModule):
        raise UnfollowedError(network, "", advice(network))
    modes = {module: module.training for module in network.modules()}
    follower = _Follower()
    try:
        network.train(train)
        return _without_defaults(follower.trace(network, _defaults(network, count) or None))
    except Exception as error:  # whatever the network's own code raises on a proxy
        module, path = follower.failed or (network, "")
        reason = first_line(error).split(". ")[0]
        raise UnfollowedError(module, path, reason) from error
    finally:
        for module, mode in modes.items():
            module.training = mode


def _defaults(network: nn.Module, count: int) -> dict[str, Any]:
    """Return the arguments of the forward that are no inputs, with their defaults."""
    arguments = list(inspect.signature(network.forward).parameters.values())[count:]
    return {each.name: each.default for each in arguments if each.default is not each.empty}


def _without_defaults(graph: fx.Graph) -> fx.Graph:
    """Take away what torch.fx leaves of them: a placeholder, and a check that it has the value."""
    for node in list(graph.nodes):
        asserts = getattr(node.target, "__name__", "") in ("_assert", "_assert_is_none")
        if node.op == "call_function" and asserts and not node.users:
            graph.erase_node(node)
    for node in reversed(list(graph.nodes)):
        compared = node.op == "call_function" and node.target is operator.eq
        if not node.users and (compared or (node.op == "placeholder" and node.args)):
            graph.erase_node(node)
    return graph


def _without_changes(network: nn.Module, graph: fx.Graph) -> None:
    """Make in-place operations plain: who reads the changed tensor later reads their result."""
    nodes = list(graph.nodes)
    place = {node: number for number, node in enumerate(nodes)}
    for node in nodes:
        changed = node.args[0] if node.args and changes_input(network, node) else None
        if not isinstance(changed, fx.Node):
            continue
        for user in list(changed.users):
            if place[user] > place[node]:
                user.replace_input_with(changed, node)


def changes_input(network: nn.Module, node: fx.Node) -> bool:
    """Tell whether an operation writes into its first argument."""
    if node.op == "call_module":
        return bool(getattr(network.get_submodule(str(node.target)), "inplace", False))
    if node.op not in ("call_function", "call_method"):
        return False
    name = str(getattr(node.target, "__name__", node.target))
    if name in _IN_PLACE or (name.endswith("_") and not name.endswith("__")):
        return True
    place = _FLAG_AT.get(name, len(node.args))
    return True in (node.kwargs.get("inplace"), *node.args[place : place + 1])


#: Where functions of torch.nn.functional have their ``inplace`` among the arguments.
_FLAG_AT = {"relu": 1, "relu6": 1, "elu": 2, "leaky_relu": 2, "dropout": 3, "silu": 1, "selu": 1}
_FLAG_AT |= {"hardtanh": 3, "hardswish": 1, "hardsigmoid": 1, "threshold": 3}
