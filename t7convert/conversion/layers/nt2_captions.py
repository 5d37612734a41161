"""Converters of neuraltalk2's caption model, its criterion, and FeatExpander."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.nn import nt2_captions as ours


@converts("nn.FeatExpander")
def feat_expander(m: Layer) -> ours.FeatExpander:
    return ours.FeatExpander(m.integer("n"))


@converts("nn.LanguageModel@neuraltalk2")
def language_model(m: Layer) -> ours.LanguageModel:
    return ours.LanguageModel(
        m.child("core"),
        m.child("lookup_table"),
        vocab_size=m.integer("vocab_size"),
        rnn_size=m.integer("rnn_size"),
        num_layers=m.integer("num_layers"),
        seq_length=m.integer("seq_length"),
    )


@converts("nn.LanguageModelCriterion")
def language_model_criterion(m: Layer) -> ours.LanguageModelCriterion:
    return ours.LanguageModelCriterion()
