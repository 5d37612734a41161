"""What cuDNN's recurrent layers and the modules of torch-rnn, OpenNMT and neuraltalk2 take."""

from __future__ import annotations

from dataclasses import replace

from t7convert.inputs.geometry import Leaf, Spec, rule, spec_of
from t7convert.lua.fields import FieldReader
from t7convert.lua.tree import walk


@rule(
    *("cudnn.RNN", "cudnn.RNNReLU", "cudnn.RNNTanh", "cudnn.LSTM", "cudnn.GRU"),
    *("cudnn.BLSTM", "cudnn.BGRU"),
)
def _cudnn_sequence(m: FieldReader) -> Spec:
    size = m.integer("inputSize")
    if m.has("hiddenInput") and not m.flag("rememberStates"):  # for one size of batch only
        batch = m.shape("hiddenInput")[1]
        dims = (batch, "T", size) if m.flag("batchFirst") else ("T", batch, size)
        return Leaf(dims, batched=False)
    return Leaf(("T", size)) if m.flag("batchFirst") else Leaf(("T", 3, size), batched=False)


@rule("nn.LSTM@torch-rnn", "nn.VanillaRNN")
def _sequence(m: FieldReader) -> Spec:
    return Leaf(("T", m.integer("input_dim")))


@rule("nn.TemporalAdapter")
def _every_step(m: FieldReader) -> Spec:
    spec = spec_of(m.module_at("net"))
    return replace(spec, dims=("T", *spec.dims)) if isinstance(spec, Leaf) else spec


@rule("nn.LanguageModel@neuraltalk2")
def _images_and_captions(m: FieldReader) -> Spec:
    size = FieldReader(m.module_at("lookup_table")).shape("weight")[1]
    tokens = Leaf((m.integer("seq_length"), 3), high=m.integer("vocab_size"), batched=False)
    return [Leaf((3, size), batched=False), tokens]


@rule("nn.FeatExpander")
def _rows(m: FieldReader) -> Spec:
    return Leaf((5,))


@rule("onmt.WordEmbedding")
def _word(m: FieldReader) -> Spec:
    return Leaf((), high=FieldReader(m.module_at("net")).shape("weight")[0])


@rule("onmt.FeaturesEmbedding")
def _features(m: FieldReader) -> Spec:
    specs = spec_of(m.module_at("net"))
    listed = specs if isinstance(specs, list) else [specs]
    words = [replace(leaf, dims=()) for leaf in listed if isinstance(leaf, Leaf)]
    return words if len(words) > 1 else words[0]


@rule("onmt.GlobalAttention", "onmt.NoAttention")
def _query_and_context(m: FieldReader) -> Spec:
    maps = [FieldReader(inner) for inner in walk(m.module) if inner.typename == "nn.Linear"]
    size = maps[-1].shape("weight")[0]
    return [Leaf((size,)), Leaf((4, size))]


@rule("onmt.Bridge")
def _states(m: FieldReader) -> Spec | None:
    if m.get("net") is None:
        return [Leaf((5,)), Leaf((5,))]
    maps = [FieldReader(i) for i in walk(m.module_at("net")) if i.typename == "nn.Linear"]
    if not maps:
        return spec_of(m.module_at("net"))
    return [Leaf(maps[0].shape("weight")[1:])]  # states are joined: as one they fit as well


@rule("onmt.PositionEmbedding")
def _batch_and_lengths(m: FieldReader) -> Spec:
    return [Leaf((3, 5, 2), batched=False), Leaf((3,), high=5, batched=False)]


@rule("onmt.JoinReplicateTable")
def _repeated(m: FieldReader) -> Spec:
    return [Leaf((4, 3)), Leaf((4, 3))]


@rule("onmt.MaskedSoftmax")
def _scores(m: FieldReader) -> Spec | None:
    for inner in walk(m.module):
        size = FieldReader(inner).integers("size") if inner.typename == "nn.View" else []
        if len(size) == 2:
            return Leaf((size[0], size[1]), batched=False)
    return None
