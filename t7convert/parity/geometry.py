"""What a network takes, told from its modules: images of how many channels, vectors, indices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from t7convert.lua.fields import FieldReader
from t7convert.lua.tree import LuaModule


@dataclass(frozen=True)
class Leaf:
    """One input tensor.

    Attributes:
        dims: its dimensions behind the batch; ``"C"``-less sizes are fixed numbers, ``"H"``,
            ``"W"``, ``"T"`` are free and get the sizes that the network runs with.
        high: for indices, the greatest one (they count from 1); 0 for numbers.
        batched: whether a batch dimension comes first.
    """

    dims: tuple[int | str, ...]
    high: int = 0
    batched: bool = True


#: A leaf, or a list of specs for a Lua list.
Spec = Any
_Rule = Callable[[FieldReader], Spec]
_RULES: dict[str, _Rule] = {}


def _rule(*names: str) -> Callable[[_Rule], _Rule]:
    def register(rule: _Rule) -> _Rule:
        _RULES.update(dict.fromkeys(names, rule))
        return rule

    return register


def spec_of(module: LuaModule) -> Spec | None:
    """Return what ``module`` takes, None where it takes anything (element-wise modules)."""
    rule = _RULES.get(module.spec.name) or _RULES.get(module.typename)
    if rule is not None:
        return rule(FieldReader(module))
    for _, child in module.children():
        found = spec_of(child)
        if found is not None:
            return found
    return None


@_rule(
    *("nn.SpatialConvolution", "nn.SpatialConvolutionMM", "cudnn.SpatialConvolution"),
    *("nn.SpatialFullConvolution", "cudnn.SpatialFullConvolution", "nn.SpatialConvolutionLocal"),
    *("nn.SpatialDilatedConvolution", "nn.SpatialDepthWiseConvolution", "nn.SpatialSubSampling"),
    *("nn.SpatialLPPooling", "nn.SpatialContrastiveNormalization"),
    *("nn.SpatialSubtractiveNormalization", "nn.SpatialDivisiveNormalization"),
)
def _image(m: FieldReader) -> Spec:
    return Leaf((m.integer("nInputPlane"), "H", "W"))


@_rule("nn.SpatialConvolutionMap", "nn.SpatialFullConvolutionMap")
def _mapped_image(m: FieldReader) -> Spec:
    return Leaf((int(m.values("connTable")[:, 0].max()), "H", "W"))


@_rule("nn.VolumetricConvolution", "nn.VolumetricFullConvolution", "cudnn.VolumetricConvolution")
def _volume(m: FieldReader) -> Spec:
    return Leaf((m.integer("nInputPlane"), "T", "H", "W"))


@_rule("nn.TemporalConvolution", "nn.TemporalSubSampling", "cudnn.TemporalConvolution")
def _sequence(m: FieldReader) -> Spec:
    return Leaf(("T", m.integer("inputFrameSize")))


@_rule("nn.SpatialBatchNormalization", "cudnn.SpatialBatchNormalization")
def _image_features(m: FieldReader) -> Spec:
    return Leaf((m.shape("running_mean")[0], "H", "W"))


@_rule("nn.BatchNormalization", "cudnn.BatchNormalization")
def _vector_features(m: FieldReader) -> Spec:
    return Leaf((m.shape("running_mean")[0],))


@_rule("nn.Linear", "nn.LinearNoBias", "nn.PartialLinear", "nn.Euclidean", "nn.Cosine")
def _vector(m: FieldReader) -> Spec:
    shape = m.shape("weight")
    return Leaf((shape[0] if m.typename == "nn.Euclidean" else shape[1],))


@_rule("nn.LookupTable")
def _indices(m: FieldReader) -> Spec:
    return Leaf(("T",), high=m.shape("weight")[0])


@_rule(
    *("nn.CAddTable", "nn.CMulTable", "nn.CSubTable", "nn.CDivTable", "nn.CMaxTable"),
    *("nn.CMinTable", "nn.DotProduct", "nn.CosineDistance", "nn.PairwiseDistance"),
)
def _pair(m: FieldReader) -> Spec:
    return [Leaf((5,)), Leaf((5,))]


@_rule("nn.ParallelTable")
def _parallel(m: FieldReader) -> Spec:
    return [spec_of(child) or Leaf((5,)) for child in m.modules_at()]


@_rule("nn.MapTable")
def _map_table(m: FieldReader) -> Spec:
    return [spec_of(m.modules_at()[0]) or Leaf((5,))] * 2


@_rule("nn.gModule")
def _graph(m: FieldReader) -> Spec:
    nodes, modules = m.require("nodes"), m.modules_at()
    feeds: dict[int, list[int]] = {}
    for number, node in enumerate(nodes, start=1):
        for source in node["inputs"]:
            feeds.setdefault(int(source), []).append(number)
    start, count = m.integer("input"), m.integer("nInputs")
    if count <= 1:
        return _fed(start, nodes, modules, feeds)
    entries = [n for n in feeds.get(start, []) if nodes[n - 1]["select"] is not None]
    found = {int(nodes[n - 1]["select"]): _fed(n, nodes, modules, feeds) for n in entries}
    return [found.get(position) or Leaf((5,)) for position in range(1, count + 1)]


def _fed(
    start: int, nodes: list[Any], modules: list[LuaModule], feeds: dict[int, list[int]]
) -> Spec:
    """Return what the first module that a node leads to takes."""
    queue, seen = [start], {start}
    while queue:
        number = queue.pop(0)
        position = nodes[number - 1]["module"]
        found = spec_of(modules[int(position) - 1]) if position is not None else None
        if isinstance(found, list) and len(nodes[number - 1]["inputs"]) > 1:
            found = found[0]  # this input is one entry of the module's list
        if found is not None:
            return found
        fresh = [n for n in feeds.get(number, []) if n not in seen]
        seen.update(fresh)
        queue.extend(fresh)
    return None
