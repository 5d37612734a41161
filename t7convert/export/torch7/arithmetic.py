"""Sums, products and joins of tensors, and parts of them by index."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from t7convert.export.torch7.building import RefusedError
from t7convert.export.torch7.functions import lua
from t7convert.export.torch7.operations import NUMBERS, Made, Operation, handles
from t7convert.export.torch7.points import power, scaled, shifted
from t7convert.export.torch7.reshaping import part_of_several
from t7convert.lua.tree import LuaModule


@handles(operator.add, operator.iadd, torch.add, "add", "add_", "__add__")
def add(op: Operation, input: Any, other: Any, *, alpha: Any = 1) -> Made:
    if alpha != 1:
        raise RefusedError(f"alpha={alpha}")
    return _both(op, input, other, "nn.CAddTable", _shift)


@handles(operator.mul, operator.imul, torch.mul, "mul", "mul_")
def multiply(op: Operation, input: Any, other: Any) -> Made:
    return _both(op, input, other, "nn.CMulTable", _scale)


@handles(operator.sub, operator.isub, torch.sub, "sub", "sub_")
def subtract(op: Operation, input: Any, other: Any) -> Made:
    if isinstance(input, fx.Node) and isinstance(other, (int, float)):
        return _both(op, input, -other, "nn.CAddTable", _shift)
    if isinstance(other, fx.Node) and isinstance(input, (int, float)):
        op.rank(other)
        return [other], op.place.sequential(scaled(op.place, -1), shifted(op.place, input))
    return _both(op, input, other, "nn.CSubTable", None)


@handles(operator.truediv, operator.itruediv, torch.div, "div", "div_")
def divide(op: Operation, input: Any, other: Any) -> Made:
    if isinstance(input, fx.Node) and isinstance(other, (int, float)):
        return _both(op, input, 1 / other, "nn.CMulTable", _scale)
    if isinstance(other, fx.Node) and isinstance(input, (int, float)):
        op.rank(other)
        return [other], op.place.sequential(power(op.place, -1), scaled(op.place, input))
    return _both(op, input, other, "nn.CDivTable", None)


@handles(operator.neg)
def negative(op: Operation, input: fx.Node) -> Made:
    op.rank(input)
    return [input], scaled(op.place, -1)


def _both(
    op: Operation,
    input: Any,
    other: Any,
    table: str,
    constant: Callable[[Operation, Any, fx.Node], LuaModule] | None,
) -> Made:
    nodes = [value for value in (input, other) if isinstance(value, fx.Node)]
    if len(nodes) == 2:
        shapes = [op.shapes(node) for node in nodes]
        if shapes[0] != shapes[1]:
            raise RefusedError(
                f"tensors of {tuple(shapes[0][0])} and {tuple(shapes[1][0])}: torch/nn's "
                f"{table.removeprefix('nn.')} takes equal shapes only"
            )
        return nodes, op.place.lua(table)
    if constant is None or len(nodes) != 1:
        raise RefusedError("one of its operands is no tensor that depends on the input")
    op.rank(nodes[0])
    return nodes, constant(op, other if nodes[0] is input else input, nodes[0])


def _shift(op: Operation, value: Any, input: fx.Node) -> LuaModule:
    if isinstance(value, (int, float)):
        return shifted(op.place, value)
    bias = _learnt(op, value, input)
    if bias.dim() == 1:
        return op.place.lua("nn.Add", bias=bias, scalar=True)
    return op.place.lua("nn.CAdd", bias=bias)


def _scale(op: Operation, value: Any, input: fx.Node) -> LuaModule:
    if isinstance(value, (int, float)):
        return scaled(op.place, value)
    weight = _learnt(op, value, input)
    return op.place.lua("nn.Mul" if weight.dim() == 1 else "nn.CMul", weight=weight)


def _learnt(op: Operation, value: Any, input: fx.Node) -> Tensor:
    """Return a parameter as Lua expands it: the batch first, or one number."""
    if not isinstance(value, Tensor):
        raise RefusedError("one of its operands depends on the size of the input")
    source = value if value._base is None else value._base
    if not isinstance(source, nn.Parameter):
        raise RefusedError("it takes a buffer, which would be a trained parameter in Lua")
    if value.numel() == 1:
        return value.reshape(1)
    first, second = op.shapes(input)
    sides = (1,) * (len(first) - value.dim()) + tuple(value.shape)
    fits = all(
        n in (1, a) and (n == 1 or a == b) for n, a, b in zip(sides, first, second, strict=True)
    )
    if len(sides) != len(first) or sides[0] != 1 or not fits:
        raise RefusedError(f"a parameter of {tuple(value.shape)} is not expanded so in Lua")
    return value.reshape(sides)


@handles(torch.cat, torch.concat, torch.concatenate)
def cat(op: Operation, tensors: Sequence[fx.Node], dim: int = 0) -> Made:
    if not isinstance(tensors, (list, tuple)) or not all(isinstance(t, fx.Node) for t in tensors):
        raise RefusedError("it joins something else than tensors that depend on the input")
    axis, rank = op.axis(dim, tensors[0]), op.rank(tensors[0])
    if len(tensors) == 1:
        return lua(op, tensors[0], "nn.Identity")
    return list(tensors), op.place.lua("nn.JoinTable", dimension=axis, nInputDims=rank)


@handles(torch.stack)
def stack(op: Operation, tensors: Sequence[fx.Node], dim: int = 0) -> Made:
    """Each with a dimension of one, joined."""
    if not all(isinstance(each, fx.Node) for each in tensors) or len(tensors) < 2:
        raise RefusedError("it joins something else than several tensors")
    rank = op.rank(tensors[0])
    axis = dim + rank + 2 if dim < 0 else dim
    if axis == 0:
        raise RefusedError("dimension 0 is the batch here, which Lua's modules keep")
    ways = [op.place.lua("nn.Unsqueeze", pos=axis, numInputDims=rank) for _ in tensors]
    joined = op.place.lua("nn.JoinTable", dimension=axis, nInputDims=rank + 1)
    higher = op.place.lua("nn.ParallelTable", modules=ways)
    return list(tensors), op.place.sequential(higher, joined)


@handles(torch.bmm, "bmm", torch.matmul, "matmul", operator.matmul)
def product(op: Operation, input: Any, mat2: Any) -> Made:
    """``nn.MM`` of two batches of matrices; a parameter is a Linear's weight."""
    if isinstance(input, fx.Node) and isinstance(mat2, Tensor) and mat2.dim() == 2:
        rank = op.rank(input)
        made = op.place.lua("nn.Linear", weight=mat2.t())
        if rank == 1:
            return [input], made
        return [input], op.place.lua("nn.Bottle", modules=[made], nInputDim=2, nOutputDim=2)
    if not isinstance(input, fx.Node) or not isinstance(mat2, fx.Node):
        raise RefusedError("one of its operands is no tensor that depends on the input")
    if (op.rank(input), op.rank(mat2)) != (2, 2):
        raise RefusedError("nn.MM takes batches of matrices")
    return [input, mat2], op.place.lua("nn.MM", transA=False, transB=False)


@handles(operator.getitem)
def getitem(op: Operation, input: fx.Node, index: Any) -> Made:
    """Selections and slices of a sample; or one of several tensors."""
    value = op.trace.runs[0].get(input)
    if input.target in NUMBERS and isinstance(value, tuple):
        return part_of_several(op, input, index)
    first, second = op.shapes(input)
    entries = index if isinstance(index, tuple) else (index,)
    if Ellipsis in entries:
        place = entries.index(Ellipsis)
        missing = len(first) - len(entries) + 1
        entries = (*entries[:place], *(slice(None),) * missing, *entries[place + 1 :])
    op.rank(input)
    steps = []
    for axis, entry in enumerate(entries):
        sides = first[axis], second[axis]
        if isinstance(entry, slice) and entry == slice(None):
            continue
        if axis == 0:
            raise RefusedError("it takes a part of the batch, which Lua's modules keep")
        from_end = axis - len(first)
        if isinstance(entry, slice):
            start, length = _slice(entry, sides)
            fields = {"dimension": from_end, "index": start + 1, "length": length}
            steps.append(op.place.lua("nn.Narrow", **fields))
        elif isinstance(entry, int) and not isinstance(entry, bool):
            number = entry + 1 if entry >= 0 else entry
            steps.append(op.place.lua("nn.Select", dimension=from_end, index=number))
        else:
            raise RefusedError("Lua's modules take numbers and slices as an index")
    if not steps:
        return lua(op, input, "nn.Identity")
    return [input], steps[0] if len(steps) == 1 else op.place.sequential(*steps)


def _slice(entry: slice, sides: tuple[int, int]) -> tuple[int, int]:
    """Return start and length of a slice; a length below 0 counts from the end, as nn.Narrow's."""
    if entry.step not in (None, 1):
        raise RefusedError("nn.Narrow takes no steps")
    bounds = (entry.start or 0, entry.stop)
    if not all(n is None or isinstance(n, int) for n in bounds):
        raise RefusedError("its bounds depend on the size of the input")
    found = [slice(*bounds).indices(side)[:2] for side in sides]
    if found[0][0] != found[1][0]:
        raise RefusedError("its start depends on the size of the input")
    lengths = [max(stop - start, 0) for start, stop in found]
    if lengths[0] == lengths[1]:
        return found[0][0], lengths[0]
    to_end = [stop - side - 1 for (_, stop), side in zip(found, sides, strict=True)]
    if to_end[0] != to_end[1]:
        raise RefusedError("its length depends on the size of the input")
    return found[0][0], to_end[0]
