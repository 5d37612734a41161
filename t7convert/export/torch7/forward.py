"""The Lua module tree of a PyTorch network whose class says nothing: from its forward."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from t7convert.errors import ConversionError, Problem
from t7convert.export.torch7 import arithmetic, reshaping, resizing
from t7convert.export.torch7.building import Network, Place, RefusedError
from t7convert.export.torch7.operations import check_known, modules_of
from t7convert.export.torch7.running import run
from t7convert.export.torch7.tracing import Shape, Trace, follow
from t7convert.export.torch7.wiring import wired
from t7convert.lua.tree import LuaModule

__all__ = ["arithmetic", "reshaping", "resizing", "tree_of_forward"]

#: Sides of the images that are tried, in this order.
_SIDES = (64, 96, 128, 224, 227, 256, 299, 32, 28, 48, 16, 8, 4)
#: For networks that begin by making images larger.
_SMALL = (1, 4, 8, 7, 16, 32)
_LENGTHS = (64, 128, 256, 512, 1024, 1014, 32, 16)

#: What takes the layers after it their right to tell the input's shape.
_FLATTENING = ("view", "reshape", "flatten", torch.flatten, torch.reshape)

Inputs = Tensor | Sequence[int] | Sequence[Tensor]


def tree_of_forward(
    network: nn.Module, state: Network, given: Inputs | None
) -> tuple[LuaModule, Trace]:
    """Return the tree of what a network's forward does in evaluation mode.

    Raises:
        UnfollowedError: if the forward hangs on values, or does what torch.fx doesn't know.
        ConversionError: listing every operation that has no equal in torch/nn.
    """
    several = given is not None and not isinstance(given, Tensor)
    tensors = [each for each in given or () if isinstance(each, Tensor)] if several else []
    trace = follow(network, len(tensors) or 1)
    check_known(trace)
    inputs = [node for node in trace.graph.nodes if node.op == "placeholder"]
    try:
        run(trace, _candidates(trace, inputs, given))
        outputs, table = _outputs(trace)
    except RefusedError as error:
        raise ConversionError([_of_network(network, str(error))]) from error
    state.traced = True
    made = modules_of(trace, state)
    unused = [node.name for node in inputs if not node.users]
    if unused:
        raise ConversionError([_of_network(network, f"its input {unused[0]} has no use")])
    _tell(trace)
    return wired(Place(state, ""), made, inputs, outputs, table=table), trace


def _of_network(network: nn.Module, reason: str) -> Problem:
    return Problem(f"{type(network).__module__}.{type(network).__qualname__}", "", reason)


def _candidates(
    trace: Trace, inputs: Sequence[fx.Node], given: Inputs | None
) -> Iterator[Sequence[Tensor]]:
    """Give inputs to try: those that were given, else what the first layer takes."""
    generator = torch.Generator().manual_seed(0)
    if isinstance(given, Tensor):
        yield [_plain(given)]
    elif given is not None and all(isinstance(value, Tensor) for value in given):
        yield [_plain(value) for value in given if isinstance(value, Tensor)]
    elif given is not None:
        sizes = [int(n) for n in given if not isinstance(n, Tensor)]
        yield [torch.randn(sizes, generator=generator)]
    elif len(inputs) == 1:
        for shape, indices in _shapes(trace, inputs[0]):
            if indices:
                yield [torch.randint(0, indices, shape, generator=generator)]
            else:
                yield [torch.randn(shape, generator=generator)]


def _plain(value: Tensor) -> Tensor:
    """Return an input as the copy of the network that is run takes it."""
    plain = value.detach().cpu()
    return plain.float() if plain.is_floating_point() else plain


def _shapes(trace: Trace, given: fx.Node) -> Iterator[tuple[tuple[int, ...], int]]:
    """Give shapes of batches of two, and how many indices there are where they are indices."""
    layer = _first_layer(trace, given)
    if isinstance(layer, nn.Linear):
        yield (2, layer.in_features), 0
    elif isinstance(layer, nn.Embedding):
        yield from (((2, length), layer.num_embeddings) for length in _LENGTHS)
    elif isinstance(layer, (nn.Conv1d, nn.ConvTranspose1d)):
        yield from (((2, layer.in_channels, length), 0) for length in _LENGTHS)
    elif isinstance(layer, nn.ConvTranspose2d):
        yield from (((2, layer.in_channels, side, side), 0) for side in _SMALL)
    elif isinstance(layer, nn.Conv3d):
        for length, side in ((16, 64), (16, 112), (8, 16), (4, 8)):
            yield (2, layer.in_channels, length, side, side), 0
    elif layer is not None:
        yield from (((2, layer.in_channels, side, side), 0) for side in _SIDES)


def _first_layer(trace: Trace, given: fx.Node) -> Any:
    """Return the layer that the input goes into, if nothing before it changes its shape."""
    known: tuple[type[nn.Module], ...] = (nn.Linear, nn.Embedding, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    known += (nn.ConvTranspose1d, nn.ConvTranspose2d)
    reach = {given}
    for node in trace.graph.nodes:
        if not reach.intersection(node.all_input_nodes):
            continue
        module = None
        if node.op == "call_module":
            module = trace.network.get_submodule(str(node.target))
            if isinstance(module, known):
                return module
        if isinstance(module, nn.Flatten) or node.target in _FLATTENING:
            return None
        reach.add(node)
    return None


def _outputs(trace: Trace) -> tuple[list[fx.Node], bool]:
    """Return the nodes that the network gives, and whether as a table."""
    found: Any = list(trace.graph.nodes)[-1].args[0]
    several = isinstance(found, (list, tuple))
    nodes = list(found) if several else [found]
    if not nodes or not all(isinstance(each, fx.Node) for each in nodes):
        raise RefusedError("its forward gives something else than tensors")
    if not all(isinstance(trace.runs[0].get(each), Shape) for each in nodes):
        raise RefusedError(
            "its forward gives a value that is no tensor, or doesn't depend on its input"
        )
    return nodes, several


def _tell(trace: Trace) -> None:
    """Warn of what the file will lack."""
    name = type(trace.network).__qualname__
    if trace.differs:
        warnings.warn(
            f"{name}: its forward does other things in training mode; evaluation's is written",
            stacklevel=5,
        )
    called = {str(node.target) for node in trace.live() if node.op in ("call_module", "get_attr")}
    lost = [
        key
        for key, parameter in trace.network.named_parameters()
        if not any(key == path or key.startswith(f"{path}.") for path in called)
    ]
    if lost:
        warnings.warn(
            f"{name}: {len(lost)} parameters have no part in its forward in evaluation mode and "
            f"are not written: {', '.join(lost[:5])}{'...' if len(lost) > 5 else ''}",
            stacklevel=5,
        )
