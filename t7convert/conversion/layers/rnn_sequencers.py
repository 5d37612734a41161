"""Converters of the modules that run recurrent ones over sequences."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.rnn_cells import only_child
from t7convert.conversion.registry import converts
from t7convert.nn import rnn_sequencers
from t7convert.nn.decorators import Decorator


@converts("nn.Sequencer")
def sequencer(m: Layer) -> rnn_sequencers.Sequencer:
    return rnn_sequencers.Sequencer(only_child(m), remember=m.require("_remember"))


@converts("nn.Repeater")
def repeater(m: Layer) -> rnn_sequencers.Repeater:
    return rnn_sequencers.Repeater(only_child(m), m.integer("seqlen"))


@converts("nn.BiSequencer@rnn")
def bi_sequencer(m: Layer) -> rnn_sequencers.BiSequencer:
    return rnn_sequencers.BiSequencer(only_child(m))


@converts("nn.BiSequencer@torch/rnn", "nn.SeqBLSTM", "nn.SeqBGRU")
def bi_sequencer_2017(m: Layer) -> rnn_sequencers.ForwardBackward:
    return rnn_sequencers.ForwardBackward(only_child(m))


@converts("nn.SeqBRNN")
def seq_brnn(m: Layer) -> Decorator:
    return Decorator(only_child(m))


@converts("nn.BiSequencerLM")
def bi_sequencer_lm(m: Layer) -> rnn_sequencers.BiSequencerLM:
    children = m.children()
    if len(children) != 3:
        raise m.error(f"it holds {len(children)} modules, expected three")
    return rnn_sequencers.BiSequencerLM(*children)


@converts("nn.ReverseUnreverse")
def reverse_unreverse(m: Layer) -> rnn_sequencers.ReverseUnreverse:
    return rnn_sequencers.ReverseUnreverse(only_child(m))


@converts("nn.VariableLength")
def variable_length(m: Layer) -> rnn_sequencers.VariableLength:
    return rnn_sequencers.VariableLength(only_child(m), m.flag("lastOnly"))


@converts("nn.RecurrentAttention")
def recurrent_attention(m: Layer) -> rnn_sequencers.RecurrentAttention:
    children = m.children()
    if len(children) != 2:
        raise m.error(f"it holds {len(children)} modules, expected two")
    rnn, action = children
    return rnn_sequencers.RecurrentAttention(
        rnn, action, m.integer("nStep"), m.integers("hiddenSize"), m.flag("forwardActions")
    )
