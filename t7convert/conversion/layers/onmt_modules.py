"""Converters of OpenNMT's modules."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.criterion_containers import parallel_criterion
from t7convert.conversion.layers.embedding import table_options
from t7convert.conversion.registry import converts
from t7convert.lua.schema.onmt_modules import learns
from t7convert.nn import onmt_modules as ours
from t7convert.nn.criterion_containers import ParallelCriterion
from t7convert.nn.embedding import LookupTable


@converts(
    *("onmt.Network", "onmt.LSTM", "onmt.GRU", "onmt.GlobalAttention", "onmt.NoAttention"),
    *("onmt.FeaturesEmbedding", "onmt.MaskedSoftmax"),
)
def network(m: Layer) -> ours.Network:
    return ours.Network(m.child("net"), m.typename)


@converts("onmt.Bridge")
def bridge(m: Layer) -> ours.Network:
    return ours.Network(None if m.get("net") is None else m.child("net"), m.typename)


@converts("onmt.Generator", "onmt.FeaturesGenerator")
def generator(m: Layer) -> ours.Generator:
    return ours.Generator(m.child("net"), m.typename)


@converts("onmt.WordEmbedding")
def word_embedding(m: Layer) -> ours.WordEmbedding:
    net = m.child("net")
    if not isinstance(net, LookupTable) or net.padding not in (0, 1):
        raise m.error("its net is no nn.LookupTable whose padding is index 1")
    net.padding = 1  # the row's gradient is zeroed, whatever the table says
    columns = net.weight.shape[1]
    if learns(m.module.fields):
        columns = m.integer("preTrainedVecSize") if m.get("fix") == "pretrained" else 0
    return ours.WordEmbedding(net, columns)


@converts("onmt.PositionEmbedding")
def position_embedding(m: Layer) -> ours.PositionEmbedding:
    if m.integer("dimension") not in (2, -2):
        raise m.error(f"the field dimension is {m.integer('dimension')}, expected 2")
    rows, size = m.shape("weight")
    module = ours.PositionEmbedding(rows, size, m.integer("max_pos"), **table_options(m))
    m.bind("weight", module)
    return module


@converts("onmt.JoinReplicateTable")
def join_replicate_table(m: Layer) -> ours.JoinReplicateTable:
    dims = (m.integer(name) for name in ("dimensionReplicate", "dimensionJoin"))
    replicate, join = (dim if dim < 0 else dim - 1 for dim in dims)
    count = None if m.get("nInputDims") is None else m.integer("nInputDims")
    return ours.JoinReplicateTable(replicate, join, count)


@converts("onmt.VariationalDropout")
def variational_dropout(m: Layer) -> ours.VariationalDropout:
    return ours.VariationalDropout(m.number("p"))


@converts("onmt.ParallelClassNLLCriterion")
def parallel_class_nll_criterion(m: Layer) -> ParallelCriterion:
    return parallel_criterion(m)
