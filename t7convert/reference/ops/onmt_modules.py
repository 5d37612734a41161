"""OpenNMT's modules, from their Lua files."""

from __future__ import annotations

import numpy as np

from t7convert.format.objects import Array
from t7convert.reference.op import Op, Value, implements
from t7convert.reference.ops.criterion_containers import ParallelCriterion
from t7convert.reference.ops.embedding import LookupTable

implements("onmt.ParallelClassNLLCriterion")(ParallelCriterion)


@implements(
    *("onmt.Network", "onmt.LSTM", "onmt.GRU", "onmt.GlobalAttention", "onmt.NoAttention"),
    *("onmt.FeaturesEmbedding", "onmt.MaskedSoftmax"),
)
class Network(Op):
    def forward(self, x: Value) -> Value:
        self.net = self.call(self.module_at("net"), x)
        return self.net.output

    def backward(self, gy: Value) -> Value:
        return self.net.backward(gy)


@implements("onmt.Bridge")
class Bridge(Network):
    """Without a network nothing is handed over."""

    def forward(self, x: Value) -> Value:
        return None if self.get("net") is None else super().forward(x)

    def backward(self, gy: Value) -> Value:
        return None if self.get("net") is None else super().backward(gy)


@implements("onmt.Generator", "onmt.FeaturesGenerator")
class Generator(Network):
    def forward(self, x: Value) -> Value:
        return super().forward(x[0] if isinstance(x, list) else x)


@implements("onmt.WordEmbedding")
class WordEmbedding(Network):
    """accGradParameters is skipped where ``fix`` took the gradient away."""

    def backward(self, gy: Array) -> Value:
        net, fix, columns = self.module_at("net"), self.get("fix"), self.get("preTrainedVecSize")
        width = net.fields["weight"].size[-1]
        partly = fix == "pretrained" and columns is not None and int(columns) != width
        if self.flag("fix") and not partly:
            return np.zeros_like(self.input)
        gradient = self.net.backward(gy)
        weight = self.executor.gradients[id(net), "weight"]
        weight[0] = 0
        if partly:
            weight[:, : int(columns)] = 0
        return gradient


@implements("onmt.PositionEmbedding")
class PositionEmbedding(Op):
    """Row 1 for the padding in front, then 2, 3.. up to max_pos + 1."""

    def forward(self, x: list[Value]) -> Value:
        if self.integer("dimension") not in (2, -2) or x[0].ndim != 3:
            raise self.error("only the second of three dimensions can be indexed")
        count = x[0].shape[1]
        places = np.ones(x[0].shape[:2], np.int64)
        for row, length in zip(places, np.asarray(x[1]).astype(int), strict=True):
            start = count - length
            for t in range(1, count + 1):
                if t > start:
                    row[t - 1] = min(t - start + 1, self.integer("max_pos") + 1)
        self.table = LookupTable(self.module, self.executor)
        self.table.input = places
        return self.table.forward(places)

    def backward(self, gy: Array) -> Value:
        self.table.backward(gy)
        return [np.zeros_like(self.input[0]), None]


@implements("onmt.JoinReplicateTable")
class JoinReplicateTable(Op):
    def axis(self, name: str, x: list[Array]) -> int:
        dim, rank = self.integer(name), x[0].ndim
        if dim < 0:
            return rank + dim
        batched = self.get("nInputDims") is not None and rank == self.integer("nInputDims") + 1
        return dim - 1 + batched

    def forward(self, x: list[Array]) -> Array:
        self.across, self.along = (
            self.axis(name, x) for name in ("dimensionReplicate", "dimensionJoin")
        )
        count = max(part.shape[self.across] for part in x)
        if any(part.shape[self.across] not in (1, count) for part in x):
            raise self.error("incorrect tensor size for replicate dimension")
        self.parts = [np.repeat(part, count // part.shape[self.across], self.across) for part in x]
        return np.concatenate(self.parts, self.along)

    def backward(self, gy: Array) -> list[Array]:
        ends = np.cumsum([part.shape[self.along] for part in self.parts])[:-1]
        found = []
        for grad, x in zip(np.split(gy, ends, self.along), self.input, strict=True):
            summed = grad.shape[self.across] != x.shape[self.across]
            found.append(grad.sum(self.across, keepdims=True) if summed else grad)
        return found


@implements("onmt.VariationalDropout")
class VariationalDropout(Op):
    """The identity in evaluation."""

    def forward(self, x: Array) -> Array:
        return x

    def backward(self, gy: Array) -> Array:
        return gy
