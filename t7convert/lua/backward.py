"""Networks whose gradients depend on which memory Lua's modules write them into.

In Lua a module writes its gradient into ``self.gradInput``, the same tensor at every call, and an
in-place module writes it over the gradient that it gets. Where one object is called several times,
or where ``nn.CAddTable(true)`` hands one gradient to several, others read what was written there.

Sources: torch/nn Module.lua, CAddTable.lua, ConcatTable.lua; nngraph gmodule.lua.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from t7convert.lua.aliasing import is_in_place, names
from t7convert.lua.reuse import UNFOLDING, reused, reused_in_place
from t7convert.lua.tree import LuaModule, walk

#: Where a module's gradient lies: in its own tensor; it is the very tensor that the module got;
#: another view of that memory; that memory, overwritten; each entry a view of it.
Place: TypeAlias = Literal["own", "same", "view", "over", "spread"]

#: Containers whose backward hands on gradients by reference.
CONTAINERS = names("nn.Sequential nn.ConcatTable nn.ParallelTable nn.Concat nn.gModule")
_SAME = names("nn.Identity nn.PrintSize")
_VIEW = names("nn.View nn.Reshape nn.Squeeze nn.Unsqueeze nn.Contiguous")
#: Modules whose backward reads what the last call kept, instead of the input that it is given.
_KEEPING = UNFOLDING | names(
    """nn.Tanh nn.Sigmoid nn.SoftMax nn.LogSoftMax nn.SpatialSoftMax nn.SpatialLogSoftMax nn.Sqrt
    nn.Exp nn.ELU cudnn.Tanh cudnn.Sigmoid cudnn.SoftMax cudnn.LogSoftMax cudnn.SpatialSoftMax
    cudnn.SpatialLogSoftMax nn.SpatialMaxPooling nn.SpatialDilatedMaxPooling
    nn.TemporalMaxPooling nn.VolumetricMaxPooling cudnn.SpatialMaxPooling
    cudnn.VolumetricMaxPooling nn.Max nn.Min nn.CMaxTable nn.CMinTable"""
)
#: Modules whose backward reads the input that it is given, and nothing that a call kept.
_READING = names(
    """nn.Identity nn.PrintSize nn.View nn.Reshape nn.Squeeze nn.Unsqueeze nn.Contiguous nn.Linear
    nn.LinearNoBias nn.ReLU nn.LeakyReLU nn.Threshold nn.PReLU nn.RReLU nn.HardTanh nn.Abs
    nn.Square nn.Power nn.AddConstant nn.MulConstant nn.Add nn.Mul nn.CAdd nn.CMul nn.Dropout
    nn.SpatialDropout nn.VolumetricDropout nn.BatchNormalization nn.SpatialBatchNormalization
    nn.VolumetricBatchNormalization cudnn.BatchNormalization cudnn.SpatialBatchNormalization
    cudnn.VolumetricBatchNormalization cudnn.ReLU cudnn.SpatialConvolution
    cudnn.VolumetricConvolution nn.SpatialAveragePooling cudnn.SpatialAveragePooling
    nn.VolumetricAveragePooling cudnn.VolumetricAveragePooling nn.SpatialZeroPadding nn.Padding
    nn.SpatialReflectionPadding nn.SpatialReplicationPadding nn.SpatialUpSamplingNearest
    nn.CAddTable nn.CSubTable nn.CMulTable nn.CDivTable nn.JoinTable nn.SelectTable nn.SplitTable
    nn.Narrow nn.Select nn.Transpose nn.Mean nn.Sum nn.MM nn.MV nn.DotProduct nn.LookupTable
    nn.SpatialFullConvolution cudnn.SpatialFullConvolution nn.SpatialDilatedConvolution
    nn.PixelShuffle nn.Replicate"""
)


def place_of(module: LuaModule) -> Place:
    """Return where a module without children puts its gradient."""
    name = module.spec.typename
    if name == "nn.CAddTable":
        return "spread" if is_in_place(module) else "own"
    if is_in_place(module):
        return "over"
    if name in _SAME:
        return "same"
    return "view" if name in _VIEW else "own"


def keeps(module: LuaModule) -> bool:
    """Tell whether the module's backward reads what its last call kept."""
    return module.spec.typename in _KEEPING


def _changes(module: LuaModule) -> bool:
    """Tell whether the module writes other values over the gradient that it gets."""
    only_hands_on = module.spec.typename == "nn.AddConstant" or (
        module.spec.typename == "nn.Dropout" and module.fields.get("v2") is True
    )
    return place_of(module) == "over" and not only_hands_on


def backward_order(nodes: Sequence[dict[str, Any]]) -> list[int]:
    """Return the positions of a graph's nodes, from 0, in the order of its backward."""
    return sorted(range(len(nodes)), key=lambda i: (nodes[i].get("backward") or 0, -i))


def writes_seen(root: LuaModule) -> bool:
    """Tell whether gradients written over others can be read by somebody else.

    True only where every module that matters is in one of CONTAINERS; in others, gradients are
    those of calculus.
    """
    again = {id(module) for module in [*reused(root), *reused_in_place(root)]}
    for module in walk(root):
        children = [child for _, child in module.children()]
        if (
            children
            and module.spec.typename not in CONTAINERS
            and not again.isdisjoint(id(inner) for child in children for inner in walk(child))
        ):
            return False
    if again:
        called = [module for module in walk(root) if id(module) in again]
        return all(module.spec.typename in _KEEPING | _READING for module in called)
    run = _Run()
    run.back(root, _Gradient())
    return run.seen


def unfollowed(root: LuaModule) -> bool:
    """Tell whether module objects are called several times in a way that gradients don't follow.

    They are those of calculus then, Torch7's may differ.
    """
    return bool(reused(root)) and not writes_seen(root)


class _Gradient:
    """A gradient on its way back; ``shared`` if others hold the same memory."""

    def __init__(self, shared: bool = False, items: list[_Gradient] | None = None) -> None:
        self.shared, self.items = shared, items

    def at(self, position: int) -> _Gradient:
        if self.items is None or position >= len(self.items):
            return _Gradient(self.shared)
        return self.items[position]


class _Run:
    """Goes backward through a network with gradients that have no values."""

    def __init__(self) -> None:
        self.seen = False

    def back(self, module: LuaModule, given: _Gradient) -> _Gradient:
        name = module.spec.typename
        children = [child for _, child in module.children()]
        if name == "nn.Sequential":
            for child in reversed(children):
                given = self.back(child, given)
            return given
        if name == "nn.gModule":
            return self._graph(module, given)
        if name == "nn.ParallelTable":
            return _Gradient(items=[self.back(c, given.at(i)) for i, c in enumerate(children)])
        if name in ("nn.ConcatTable", "nn.Concat"):
            for position, child in enumerate(children):
                self.back(child, given.at(position) if name == "nn.ConcatTable" else given)
            return _Gradient()
        if children:
            return _Gradient()
        place = place_of(module)
        self.seen = self.seen or (given.shared and _changes(module))
        if place == "spread":
            return _Gradient(shared=True)
        return _Gradient() if place == "own" else given

    def _graph(self, module: LuaModule, given: _Gradient) -> _Gradient:
        nodes, modules = module.fields["nodes"], module.fields["modules"]
        found: dict[int, list[_Gradient]] = {int(module.fields["output_node"]) - 1: [given]}
        start = int(module.fields["input"]) - 1
        for number in backward_order(nodes):
            node, parts = nodes[number], found.get(number, [])
            gradient = parts[0] if len(parts) == 1 else _Gradient()
            if node["select"] is None and node["module"] is not None:
                gradient = self.back(modules[int(node["module"]) - 1], gradient)
            if number == start:
                return gradient
            sources = [int(source) - 1 for source in node["inputs"]]
            for position, source in enumerate(sources):
                part = gradient if len(sources) == 1 else gradient.at(position)
                found.setdefault(source, []).append(part)
        return _Gradient()
