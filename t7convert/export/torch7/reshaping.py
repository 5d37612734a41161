"""Operations that change the shape of tensors, take parts of them or reduce them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import fx

from t7convert.export.torch7.building import RefusedError
from t7convert.export.torch7.functions import lua
from t7convert.export.torch7.operations import Made, Operation, handles
from t7convert.export.torch7.rules import long_storage
from t7convert.lua.tree import LuaModule


@handles("view", "reshape", torch.reshape, "flatten", torch.flatten, "unflatten", "view_as")
def view(op: Operation, input: fx.Node, *args: Any, **kwargs: Any) -> Made:
    """``nn.View``, which the shapes of both runs tell; one number may depend on the input."""
    first, second = op.shapes(op.node)
    given = op.shapes(input)
    if len(first) == 1:
        raise RefusedError("it leaves nothing of a sample but one number without a dimension")
    if (first, second) == given:
        return lua(op, input, "nn.Identity")
    size = [a if a == b else -1 for a, b in zip(first[1:], second[1:], strict=True)]
    if size.count(-1) > 1:
        raise RefusedError("several of its sizes depend on the size of the input")
    if math.prod(first[1:]) != math.prod(given[0][1:]):
        raise RefusedError("it moves values from one sample to another")
    rank = op.rank(input)
    return [input], op.place.lua("nn.View", size=long_storage(size), numInputDims=rank)


@handles("unsqueeze", torch.unsqueeze)
def unsqueeze(op: Operation, input: fx.Node, dim: int) -> Made:
    rank = op.rank(input)
    axis = dim + rank + 2 if dim < 0 else dim
    if axis == 0:
        raise RefusedError("dimension 0 is the batch here, which Lua's modules keep")
    return [input], op.place.lua("nn.Unsqueeze", pos=axis, numInputDims=rank)


@handles("squeeze", torch.squeeze)
def squeeze(op: Operation, input: fx.Node, dim: Any = None) -> Made:
    if dim is None:
        raise RefusedError("without a dim it may take the batch away: squeeze(dim)")
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    shape = op.shapes(input)[0]
    rank = op.rank(input)
    axes = sorted({op.axis(each, input) for each in dims}, reverse=True)
    steps = []
    for number, axis in enumerate(axes):
        if shape[axis] == 1:
            fields = {"dim": axis, "numInputDims": rank - number}
            steps.append(op.place.lua("nn.Squeeze", **fields))
    return [input], _row(op, steps)


def _row(op: Operation, steps: list[LuaModule]) -> LuaModule:
    if not steps:
        return op.place.lua("nn.Identity")
    return steps[0] if len(steps) == 1 else op.place.sequential(*steps)


@handles("transpose", torch.transpose, "swapaxes")
def transpose(op: Operation, input: fx.Node, dim0: int, dim1: int) -> Made:
    pair = sorted((op.axis(dim0, input), op.axis(dim1, input)))
    rank = op.rank(input)
    if pair[0] == pair[1]:
        return lua(op, input, "nn.Identity")
    return [input], op.place.lua("nn.Transpose", permutations=[pair], numInputDims=rank)


@handles("permute", torch.permute)
def permute(op: Operation, input: fx.Node, *dims: Any) -> Made:
    """Swaps that bring each dimension to its place."""
    wanted = list(dims[0]) if len(dims) == 1 and not isinstance(dims[0], int) else list(dims)
    rank = op.rank(input)
    wanted = [dim + rank + 1 if dim < 0 else dim for dim in wanted]
    if wanted[0] != 0:
        raise RefusedError("it moves the batch, which Lua's modules keep")
    present, swaps = list(range(rank + 1)), []
    for place, dim in enumerate(wanted):
        other = present.index(dim)
        if other != place:
            swaps.append([place, other])
            present[place], present[other] = present[other], present[place]
    if not swaps:
        return lua(op, input, "nn.Identity")
    return [input], op.place.lua("nn.Transpose", permutations=swaps, numInputDims=rank)


@handles("mean", torch.mean)
def mean(op: Operation, input: fx.Node, dim: Any = None, keepdim: bool = False) -> Made:
    return _reduced(op, input, dim, keepdim, average=True)


@handles("sum", torch.sum)
def sum_(op: Operation, input: fx.Node, dim: Any = None, keepdim: bool = False) -> Made:
    return _reduced(op, input, dim, keepdim, average=False)


def _reduced(op: Operation, input: fx.Node, dim: Any, keepdim: bool, *, average: bool) -> Made:
    axes = _axes(op, input, dim)
    rank, steps = op.rank(input), []
    for number, axis in enumerate(axes):
        fields = {"dimension": axis, "nInputDims": rank if keepdim else rank - number}
        fields |= {"sizeAverage": average, "squeeze": not keepdim}
        steps.append(op.place.lua("nn.Mean" if average else "nn.Sum", **fields))
    return [input], _row(op, steps)


def _axes(op: Operation, input: fx.Node, dim: Any) -> list[int]:
    """Return dimensions of the batch from the last to the first."""
    if dim is None:
        raise RefusedError("without a dim it takes the samples of a batch together")
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    axes = sorted({op.axis(each, input) for each in dims}, reverse=True)
    if len(axes) == len(op.shapes(input)[0]) - 1 and len(op.shapes(op.node)[0]) == 1:
        raise RefusedError("it leaves nothing of a sample but one number without a dimension")
    return axes


def _extreme(op: Operation, input: fx.Node, dim: Any, keepdim: bool, typename: str) -> Made:
    axis, rank = op.axis(dim, input), op.rank(input)
    if rank == 1:
        raise RefusedError("it leaves nothing of a sample but one number without a dimension")
    steps = [op.place.lua(typename, dimension=axis, nInputDims=rank)]
    if keepdim:
        steps.append(op.place.lua("nn.Unsqueeze", pos=axis, numInputDims=rank - 1))
    return [input], _row(op, steps)


def part_of_several(op: Operation, source: fx.Node, index: Any) -> Made:
    """Return one of what ``chunk``, ``split``, ``unbind`` or ``max`` over a dimension gave."""
    target = source.target if isinstance(source.target, str) else source.target.__name__
    args = op.argument(source.args)
    kwargs = dict(op.argument(source.kwargs))
    input = args[0]
    if target in ("max", "min"):
        dim = args[1] if len(args) > 1 else kwargs.get("dim")
        keepdim = args[2] if len(args) > 2 else kwargs.get("keepdim", False)
        if index != 0 or not isinstance(dim, int):
            raise RefusedError("Lua's module gives the values over one dimension, no places")
        return _extreme(op, input, dim, keepdim, "nn.Max" if target == "max" else "nn.Min")
    if target not in ("chunk", "split", "unbind") or not isinstance(index, int):
        raise RefusedError(f"a part of what {target} gives has no equal")
    place = 1 if target == "unbind" else 2
    dim = args[place] if len(args) > place else kwargs.get("dim", 0)
    axis, rank = op.axis(dim, input), op.rank(input)
    parts = [run[source] for run in op.trace.runs]
    index = index + len(parts[0]) if index < 0 else index
    from_end = axis - rank - 1
    if target == "unbind":
        return [input], op.place.lua("nn.Select", dimension=from_end, index=index + 1)
    starts = {sum(shape[axis] for shape in each[:index]) for each in parts}
    lengths = {each[index][axis] for each in parts}
    if len(starts) + len(lengths) != 2:
        raise RefusedError("the size of its parts depends on the size of the input")
    fields = {"dimension": from_end, "index": starts.pop() + 1, "length": lengths.pop()}
    return [input], op.place.lua("nn.Narrow", **fields)
