"""Converters of nnx's small modules."""

from __future__ import annotations

import t7convert.nn.nnx_edges as edges
import t7convert.nn.nnx_modules as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn.nnx_tree import SoftMaxTree


@converts("nn.SpatialLinear")
def spatial_linear(m: Layer) -> ours.SpatialLinear:
    decay = int(m.number("weightDecay")) != 0  # C reads an int
    module = ours.SpatialLinear(m.integer("fanin"), m.integer("fanout"), decay)
    m.bind("weight", module)
    m.bind("bias", module)
    return module


@converts("nn.SaturatedLU")
def saturated_lu(m: Layer) -> ours.SaturatedLU:
    low, low_value = m.number("threshold"), m.number("val")
    return ours.SaturatedLU(low, low_value, m.number("threshold2"), m.number("val2"))


@converts("nn.Minus")
def minus(m: Layer) -> ours.Minus:
    return ours.Minus()


@converts("nn.MultiSoftMax")
def multi_soft_max(m: Layer) -> ours.MultiSoftMax:
    return ours.MultiSoftMax()


@converts("nn.Balance")
def balance(m: Layer) -> ours.Balance:
    if not m.has("inputCache") or not m.integer("batchSize"):
        return ours.Balance(m.integer("nBatch"))
    return ours.Balance(m.integer("nBatch"), m.constant("inputCache"), m.integer("startIdx") - 1)


@converts("nn.PushTable")
def push_table(m: Layer) -> ours.PushTable:
    return ours.PushTable(m.integer("_index") - 1)


@converts("nn.PullTable")
def pull_table(m: Layer) -> ours.PullTable:
    push = m.child("_push")
    if not isinstance(push, ours.PushTable):
        raise m.error(f"it pulls from a {type(push).__name__}, expected a PushTable")
    return ours.PullTable(m.integer("_index") - 1, push.slot)


@converts("nn.SpatialColorTransform")
def spatial_color_transform(m: Layer) -> ours.ColorTransform:
    transform = str(m.require("transform"))
    if not m.flag("islinear"):
        raise m.error(f"{transform} can't run with the image package of today's Torch7")
    return ours.ColorTransform(m.constant("matrix"), m.constant("offset"), transform)


@converts("nn.SpatialGraph")
def spatial_graph(m: Layer) -> edges.SpatialGraph:
    if m.integer("connex") != 4:
        raise m.error(f"connex is {m.integer('connex')}, expected 4")
    return edges.SpatialGraph(
        "euclid" if m.integer("dist") == 0 else "cosine", m.integer("normalize") == 1
    )


@converts("nn.SpatialMatching")
def spatial_matching(m: Layer) -> edges.SpatialMatching:
    return edges.SpatialMatching((m.integer("maxh"), m.integer("maxw")), m.flag("full_output"))


@converts("nn.SoftMaxTree")
def soft_max_tree(m: Layer) -> SoftMaxTree:
    children, families = m.integers("childIds"), m.values("parentChildren")
    spans = {parent: [int(n) for n in families[parent - 1]] for parent in m.integers("parentIds")}
    hierarchy = {
        parent: children[start - 1 : start - 1 + count]
        for parent, (start, count) in sorted(spans.items(), key=lambda item: item[1][0])
    }
    module = SoftMaxTree(m.integer("inputSize"), hierarchy, m.integer("rootId"))
    m.bind("weight", module)
    m.bind("bias", module)
    return module


@converts("nnx.QDRiemaNNLinear")
def qd_riemann_linear(m: Layer) -> ours.QDRiemaNNLinear:
    outputs, inputs = m.shape("weight")
    module = ours.QDRiemaNNLinear(
        inputs,
        outputs,
        m.number("gamma"),
        m.flag("qdFlag"),
        m.number("matReg"),
        m.flag("initMetric"),
    )
    m.bind_all(module, "weight", "bias", "Mii", "M00")
    if m.flag("qdFlag"):
        m.bind("M0i", module)
    return module
