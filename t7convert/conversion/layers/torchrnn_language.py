"""Converters of torch-rnn: recurrent layers, the language model and what belongs to it."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn import torchrnn_language as language
from t7convert.nn import torchrnn_recurrent as recurrent


@converts("nn.LSTM@torch-rnn", "nn.VanillaRNN")
def recurrent_layer(m: Layer) -> nn.Module:
    kind = recurrent.LSTM if m.typename == "nn.LSTM" else recurrent.VanillaRNN
    remember = "both" if m.flag("remember_states") else "neither"
    module = kind(m.integer("input_dim"), m.integer("hidden_dim"), remember=remember)
    m.bind_all(module, "weight", "bias")
    return module


def _over_steps(m: Layer) -> language.OverSteps:
    """Return the net, its Views of the moment replaced by what they do to every batch."""
    net = m.module_at("net")
    if net.typename != "nn.Sequential":
        raise m.error(f"the field net is {net!r}, expected an nn.Sequential")
    merging, splitting = m.integers("merging"), m.integers("splitting")
    layers: list[nn.Module] = []
    for position, child in enumerate(net.fields["modules"], start=1):
        if position in merging:
            layers.append(m.adopt(child, language.MergeSteps()))
        elif position in splitting:
            layers.append(m.adopt(child, language.SplitSteps()))
        else:
            layers.append(m.convert(child))
    return m.adopt(net, language.OverSteps(*layers))


@converts("nn.LanguageModel@torch-rnn")
def language_model(m: Layer) -> language.LanguageModel:
    listed = m.get("idx_to_token", {})
    tokens = dict(enumerate(listed, start=1)) if isinstance(listed, list) else listed
    return language.LanguageModel(
        _over_steps(m), {int(number): str(token) for number, token in tokens.items()}
    )


@converts("nn.TemporalAdapter")
def temporal_adapter(m: Layer) -> language.TemporalAdapter:
    return language.TemporalAdapter(_over_steps(m))


@converts("nn.TemporalCrossEntropyCriterion")
def temporal_cross_entropy(m: Layer) -> language.TemporalCrossEntropyCriterion:
    flags = m.flag("batch_average"), m.flag("time_average")
    return language.TemporalCrossEntropyCriterion(*flags)
