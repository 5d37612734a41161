"""What a network takes, told from its modules: images of how many channels, vectors, indices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from t7convert.lua.fields import FieldReader
from t7convert.lua.tree import LuaModule, walk


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


#: What modules take that don't care.
ANY = Leaf((5,))


class Repeated(list[Any]):
    """A Lua list of equal entries, of which there may be more or fewer."""


#: A leaf, or a list of specs for a Lua list.
Spec = Any
_Rule = Callable[[FieldReader], Spec]
_RULES: dict[str, _Rule] = {}


def rule(*names: str) -> Callable[[_Rule], _Rule]:
    def register(rule: _Rule) -> _Rule:
        _RULES.update(dict.fromkeys(names, rule))
        return rule

    return register


def spec_of(module: LuaModule) -> Spec | None:
    """Return what ``module`` takes, None where it takes anything (element-wise modules)."""
    rule = _RULES.get(module.spec.name) or _RULES.get(module.typename)
    if rule is not None:
        return rule(FieldReader(module))
    lister: LuaModule | None = None
    for _, child in module.children():
        found = spec_of(child)
        if found is not None:
            # behind a module that makes a list, a list is not what the network takes
            return _whole(lister, found) if lister and isinstance(found, list) else found
        if lister is None and child.typename in ("nn.ConcatTable", "nn.SplitTable"):
            lister = child
    return None


def _whole(lister: LuaModule, entries: list[Any]) -> Spec:
    """Return what becomes these entries: one of them, or a tensor that is cut into them."""
    first, m = entries[0], FieldReader(lister)
    if lister.typename != "nn.SplitTable" or not isinstance(first, Leaf):
        return first
    place = m.integer("dimension") - (2 if m.get("nInputDims") is None else 1)
    if not first.batched or not 0 <= place <= len(first.dims):
        return first
    return replace(first, dims=(*first.dims[:place], len(entries), *first.dims[place:]))


@rule(
    *("nn.SpatialConvolution", "nn.SpatialConvolutionMM", "cudnn.SpatialConvolution"),
    *("nn.SpatialFullConvolution", "cudnn.SpatialFullConvolution", "nn.SpatialConvolutionLocal"),
    *("nn.SpatialDilatedConvolution", "nn.SpatialDepthWiseConvolution", "nn.SpatialSubSampling"),
    *("nn.SpatialLPPooling", "nn.SpatialContrastiveNormalization"),
    *("nn.SpatialSubtractiveNormalization", "nn.SpatialDivisiveNormalization"),
)
def _image(m: FieldReader) -> Spec:
    return Leaf((m.integer("nInputPlane"), "H", "W"))


@rule("nn.SpatialConvolutionMap", "nn.SpatialFullConvolutionMap")
def _mapped_image(m: FieldReader) -> Spec:
    return Leaf((int(m.values("connTable")[:, 0].max()), "H", "W"))


@rule("nn.VolumetricConvolution", "nn.VolumetricFullConvolution", "cudnn.VolumetricConvolution")
def _volume(m: FieldReader) -> Spec:
    return Leaf((m.integer("nInputPlane"), "T", "H", "W"))


@rule("nn.TemporalConvolution", "nn.TemporalSubSampling", "cudnn.TemporalConvolution")
def _sequence(m: FieldReader) -> Spec:
    return Leaf(("T", m.integer("inputFrameSize")))


@rule("nn.SpatialBatchNormalization", "cudnn.SpatialBatchNormalization")
def _image_features(m: FieldReader) -> Spec:
    return Leaf((m.shape("running_mean")[0], "H", "W"))


@rule("nn.BatchNormalization", "cudnn.BatchNormalization")
def _vector_features(m: FieldReader) -> Spec:
    return Leaf((m.shape("running_mean")[0],))


@rule(
    *("nn.Linear", "nn.LinearNoBias", "nn.LinearWeightNorm", "nn.PartialLinear", "nn.Cosine"),
    *("nn.Kmeans", "nn.Euclidean", "nn.WeightedEuclidean"),
)
def _vector(m: FieldReader) -> Spec:
    shape = m.shape("v" if m.typename == "nn.LinearWeightNorm" else "weight")
    return Leaf((shape[0] if m.typename.endswith("Euclidean") else shape[1],))


@rule("nn.WeightNorm")
def _weight_norm(m: FieldReader) -> Spec:
    (child,) = m.modules_at()
    return Leaf((m.integers("weightSize")[1],)) if child.typename == "nn.Linear" else spec_of(child)


@rule("nn.LayerNormalization")
def _normalised(m: FieldReader) -> Spec:
    copies = [FieldReader(i) for i in walk(m.module) if i.typename == "nn.Replicate"]
    return Leaf((copies[0].integer("nfeatures"),)) if copies else None


@rule("nn.Bilinear")
def _two_vectors(m: FieldReader) -> Spec:
    return [Leaf((size,)) for size in m.shape("weight")[1:]]


@rule("nn.CMul", "nn.CAdd", "nn.Add")
def _scaled(m: FieldReader) -> Spec:
    size = m.shape("weight" if m.typename == "nn.CMul" else "bias")
    if m.flag("scalar"):
        return None
    if len(size) < 2 or size[0] != 1:
        return Leaf(size)
    return Leaf((size[1], *(n if n > 1 else free for n, free in zip(size[2:], "HW", strict=False))))


@rule("nn.MM", "nn.MV")
def _product(m: FieldReader) -> Spec:
    a = (4, 3) if m.flag("transA") or m.flag("trans") else (3, 4)
    if m.typename == "nn.MV":
        return [Leaf(a), Leaf((4,))]
    return [Leaf(a), Leaf((5, 4) if m.flag("transB") else (4, 5))]


@rule("nn.MixtureTable")
def _mixture(m: FieldReader) -> Spec:
    return [Leaf((3,)), [ANY] * 3]


@rule("nn.OneHot")
def _classes(m: FieldReader) -> Spec:
    return Leaf(("T",), high=m.integer("outputSize"))


@rule("nn.IndexLinear")
def _keys_and_values(m: FieldReader) -> Spec:
    keys = Leaf((4,), high=m.shape("weight")[0], batched=False)
    return [keys, Leaf((4,), batched=False)] if m.integer("offset") == -1 else None


@rule("nn.LookupTable")
def _indices(m: FieldReader) -> Spec:
    return Leaf(("T",), high=m.shape("weight")[0])


@rule("nn.LookupTableMaskZero")
def _indices_from_zero(m: FieldReader) -> Spec:
    return Leaf(("T",), high=m.shape("weight")[0] - 1)


@rule(
    *("nn.CAddTable", "nn.CMulTable", "nn.CSubTable", "nn.CDivTable", "nn.CMaxTable"),
    *("nn.CMinTable", "nn.DotProduct", "nn.CosineDistance", "nn.PairwiseDistance"),
    "nn.JoinTable",
)
def _pair(m: FieldReader) -> Spec:
    return [ANY, ANY]


@rule("nn.ParallelTable")
def _parallel(m: FieldReader) -> Spec:
    return [spec_of(child) or ANY for child in m.modules_at()]


@rule("nn.Bottle")
def _more_dimensions(m: FieldReader) -> Spec:
    """What the module takes has ``nInputDim`` dimensions; here it has one more."""
    leaf = spec_of(m.modules_at()[0])
    if not isinstance(leaf, Leaf) or len(leaf.dims) + 1 != m.integer("nInputDim"):
        return leaf
    return replace(leaf, dims=(3, *leaf.dims))


@rule("nn.MapTable")
def _map_table(m: FieldReader) -> Spec:
    return Repeated([spec_of(m.modules_at()[0]) or ANY] * 2)


@rule("nn.Parallel")
def _slices(m: FieldReader) -> Spec:
    """A tensor cut along a dimension (counted with the batch) into what the children take."""
    children = m.modules_at()
    leaf, cut = spec_of(children[0]), m.integer("inputDimension") - 2
    if not isinstance(leaf, Leaf) or not 0 <= cut <= len(leaf.dims):
        return None
    return replace(leaf, dims=(*leaf.dims[:cut], len(children), *leaf.dims[cut:]))


def _first(spec: Spec) -> Spec:
    """Return what the first entry of a table is; a recurrence's others are its own state."""
    return spec[0] if isinstance(spec, list) else spec


def _one_index(spec: Spec) -> Spec:
    """Return what a step takes of indices: one for each sample."""
    return replace(spec, dims=()) if isinstance(spec, Leaf) and spec.high else spec


def _steps_first(leaf: Leaf) -> Leaf:
    """Return steps x batch x dims, which have no batch in front."""
    return replace(leaf, dims=("T", 3, *leaf.dims), batched=False)


@rule("nn.SeqLSTM@rnn", "nn.SeqLSTMP@rnn", "nn.SeqLSTM@torch/rnn", "nn.SeqLSTMP@torch/rnn")
def _lstm_sequence(m: FieldReader) -> Spec:
    leaf = Leaf((m.integer("inputsize"),))
    return Leaf(("T", *leaf.dims)) if m.flag("batchfirst") else _steps_first(leaf)


@rule("nn.SeqGRU@rnn", "nn.SeqGRU@torch/rnn")
def _gru_sequence(m: FieldReader) -> Spec:
    size = m.shape("weight")[0] - m.shape("weight")[1] // 3
    return Leaf(("T", size)) if m.flag("batchfirst") else _steps_first(Leaf((size,)))


@rule("nn.RecLSTM", "nn.RecGRU")
def _step(m: FieldReader) -> Spec:
    rows = FieldReader(m.modules_at()[0]).shape("weight")[0]
    return Leaf((rows - m.integer("outputsize"),))


@rule("nn.LSTM@rnn", "nn.LSTM@torch/rnn", "nn.FastLSTM", "nn.GRU", "nn.MuFuRu", "nn.LinearRNN")
def _cell(m: FieldReader) -> Spec:
    maps = (FieldReader(inner) for inner in walk(m.module) if inner.typename == "nn.Linear")
    size = next((reader.shape("weight")[1] for reader in maps), None)
    if size is not None and m.typename == "nn.LinearRNN":  # of input and state, joined
        size -= m.integers("outputSize")[0]
    return None if size is None else Leaf((size,))


@rule("nn.Recurrence", "nn.LookupRNN")
def _recurrence(m: FieldReader) -> Spec:
    return _one_index(_first(spec_of(m.modules_at()[0])))


@rule("nn.Recurrent")
def _simple_recurrent(m: FieldReader) -> Spec:
    return _one_index(spec_of(m.modules_at()[1]))


@rule("nn.RecurrentAttention")
def _attention(m: FieldReader) -> Spec:
    return _first(spec_of(m.modules_at()[0]))


@rule("nn.Sequencer")
def _sequencer(m: FieldReader) -> Spec:
    spec = spec_of(m.modules_at()[0])
    if isinstance(spec, Leaf):
        return _steps_first(spec) if spec.batched else [spec] * 3
    return None if spec is None else [spec] * 3


@rule("nn.BiSequencer@rnn", "nn.BiSequencerLM")
def _both_ways(m: FieldReader) -> Spec:
    steps = (inner for inner in walk(m.module) if inner.typename == "nn.Sequencer")
    inner = next(steps, None)
    return None if inner is None else [spec_of(FieldReader(inner).modules_at()[0])] * 4


@rule("nn.VariableLength")
def _samples(m: FieldReader) -> Spec:
    leaf = spec_of(m.modules_at()[0])
    if not isinstance(leaf, Leaf):
        return None
    size = leaf.dims[-1]
    return [Leaf((steps, size), batched=False) for steps in (3, 5, 2)]
