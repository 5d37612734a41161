"""A PyTorch network's forward as a graph: which operations it calls, and with which shapes.

``torch.fx`` follows the forward; two runs on batches and images of two sizes then tell which
numbers depend on the input. What can't be followed, or run, is an error that names the module.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn

from t7convert.errors import first_line
from t7convert.export.torch7_building import RefusedError, advice, is_known

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
    own = type(module).__module__.startswith("torch.nn.")
    return own and not isinstance(module, nn.Sequential)


def follow(network: nn.Module) -> Trace:
    """Return the graph of a network; nothing is run yet.

    Raises:
        UnfollowedError: if the forward hangs on values, or does what torch.fx doesn't know.
    """
    graph = _graph(network, train=False)
    trace = Trace(network, graph)
    nodes = list(graph.nodes)
    try:
        again = list(_graph(network, train=True).nodes)
    except UnfollowedError:
        again = []
    if [(n.op, n.target) for n in nodes] == [(n.op, n.target) for n in again]:
        trace.training = dict(zip(nodes, again, strict=True))
    else:
        trace.differs = True
    _without_changes(network, graph)
    return trace


def _graph(network: nn.Module, *, train: bool) -> fx.Graph:
    if isinstance(network, torch.jit.ScriptModule):
        raise UnfollowedError(network, "", advice(network))
    modes = {module: module.training for module in network.modules()}
    follower = _Follower()
    try:
        network.train(train)
        return follower.trace(network)
    except Exception as error:  # whatever the network's own code raises on a proxy
        module, path = follower.failed or (network, "")
        reason = first_line(error).split(". ")[0]
        raise UnfollowedError(module, path, reason) from error
    finally:
        for module, mode in modes.items():
            module.training = mode


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


class _Runner(fx.Interpreter):
    """Runs the graph and keeps the shapes of what depends on the input."""

    def __init__(self, module: nn.Module, trace: Trace) -> None:
        super().__init__(module, graph=trace.graph)
        self.seen: dict[fx.Node, Any] = {}
        self._dependent = trace.dependent()

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        self.seen[n] = _shapes(value) if n in self._dependent else value
        return value


def _shapes(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Shape(value.shape)
    if isinstance(value, (list, tuple)) and any(isinstance(item, Tensor) for item in value):
        return tuple(_shapes(item) for item in value)
    return value


def run(trace: Trace, candidates: Iterator[Sequence[Tensor]]) -> None:
    """Run the graph on the first inputs that it takes, and on larger ones.

    Raises:
        RefusedError: if it takes none of them.
    """
    module = plain_copy(trace.network)
    odd = None  # what runs, but doesn't give a batch of results: an operation will say why
    for inputs in candidates:
        found = _run(module, trace, inputs)
        if found is None or (odd is not None and not found.fits):
            continue
        for larger in _larger(inputs):
            again = _run(module, trace, larger)
            if again is not None and again.fits == found.fits:
                odd = inputs, found, again
                break
        if odd is not None and odd[1].fits:
            break
    if odd is None:
        raise RefusedError(
            "no input was found that its forward takes: give one, or the shape of a batch, as "
            "input="
        )
    trace.inputs, trace.expected = tuple(odd[0]), odd[1].output
    trace.runs = odd[1].seen, odd[2].seen


def plain_copy(network: nn.Module) -> nn.Module:
    """Return a copy on the CPU, in float32 and evaluation mode."""
    return copy.deepcopy(network).cpu().float().eval()


@dataclass(frozen=True)
class _Run:
    seen: Mapping[fx.Node, Any]
    output: Any
    fits: bool


def _run(module: nn.Module, trace: Trace, inputs: Sequence[Tensor]) -> _Run | None:
    """Return what each node gave and the output; None where the network doesn't take the input."""
    runner = _Runner(module, trace)
    try:
        with torch.no_grad():
            output = runner.run(*(value.clone() for value in inputs))
    except (RuntimeError, ValueError, IndexError, AssertionError, TypeError):
        return None
    whole = output if isinstance(output, (list, tuple)) else [output]
    tensors = [value for value in whole if isinstance(value, Tensor)]
    fits = all(value.dim() and len(value) == len(inputs[0]) for value in tensors)
    return _Run(runner.seen, output, fits)


def _larger(inputs: Sequence[Tensor]) -> Iterator[Sequence[Tensor]]:
    """Give inputs of a larger batch: with larger sides first, for which not every network is."""
    for more in (32, 0):
        grown = []
        for value in inputs:
            sides = [n + more if axis >= 2 and n > 1 else n for axis, n in enumerate(value.shape)]
            if not value.is_floating_point():
                sides = [n + more for n in value.shape]
            larger = value.new_zeros((len(value) + 1, *sides[1:]))
            grown.append(larger if not value.is_floating_point() else torch.randn_like(larger))
        yield grown
