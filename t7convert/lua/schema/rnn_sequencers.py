"""Rows of the modules that run recurrent ones over sequences (Element-Research/rnn, torch/rnn)."""

from __future__ import annotations

from t7convert.lua.schema.rnn_cells import only_step
from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, row

_WORK = """module rnn sharedClones tableoutput tablegradInput tablegradinput _output _gradOutput
dpnn_mediumEmpty rho"""
_BOTH_WAYS = """module forwardModule backwardModule mergeModule fwdSeq bwdSeq mergeSeq merge dim
_remember dpnn_mediumEmpty"""

row(
    "nn.Sequencer",
    "Element-Research/rnn, torch/rnn: Sequencer.lua",
    children="modules",
    constants={"_remember": "neither"},
    buffers=_WORK,
    upgrade=only_step,
    notes="forgets before each call unless remember() says otherwise; BPTT ends where a call began",
)


def steps_of_repeater(fields: RawFields, version: float | None) -> None:
    """The number of steps is ``rho`` in Element-Research/rnn, ``seqlen`` in torch/rnn."""
    only_step(fields, version)
    if fields.get("seqlen") is None:
        fields["seqlen"] = fields["rho"]


row(
    "nn.Repeater",
    "Element-Research/rnn, torch/rnn: Repeater.lua",
    children="modules",
    constants={"seqlen": REQUIRED},
    buffers=_WORK + " _remember",
    upgrade=steps_of_repeater,
)
row(
    "nn.BiSequencer@rnn",
    "Element-Research/rnn: BiSequencer.lua",
    children="modules",
    buffers=_BOTH_WAYS,
    when="module",
    notes="joins its two directions by default; remember() has no effect",
)
row(
    "nn.BiSequencer@torch/rnn",
    "torch/rnn: BiSequencer.lua",
    children="modules",
    buffers="_remember",
    unless="module",
    notes="adds its two directions by default; only the forward one can remember",
)
alias("nn.SeqBLSTM", "nn.BiSequencer@torch/rnn", "torch/rnn: SeqBLSTM.lua")
alias("nn.SeqBGRU", "nn.BiSequencer@torch/rnn", "torch/rnn: SeqBGRU.lua")
row(
    "nn.SeqBRNN",
    "Element-Research/rnn: SeqBRNN.lua",
    children="modules",
    buffers=_BOTH_WAYS,
    notes="adds its two directions by default",
)
row(
    "nn.BiSequencerLM",
    "Element-Research/rnn, torch/rnn: BiSequencerLM.lua",
    children="modules",
    buffers=_BOTH_WAYS
    + """ _fwd _bwd _merge _fwdOutput _bwdOutput _firstStep _lastStep _mergeInput
    _mergeGradInput _fwdGradInput _bwdGradInput""",
)
row(
    "nn.ReverseUnreverse",
    "torch/rnn: ReverseUnreverse.lua",
    children="modules",
    buffers="_zeroMask _range",
)
row(
    "nn.VariableLength",
    "torch/rnn: VariableLength.lua",
    children="modules",
    constants={"lastOnly": False},
    buffers="_input _mask _gradOutput indexes mappedLengths",
)
row(
    "nn.RecurrentAttention",
    "Element-Research/rnn, torch/rnn: RecurrentAttention.lua",
    children="modules",
    constants={"nStep": REQUIRED, "hiddenSize": REQUIRED, "forwardActions": False},
    buffers="rnn action actions gradHidden _initInput _gradAction _remember dpnn_mediumEmpty",
    true_gradient=False,
    notes="in evaluation the list of outputs holds the last step's again and again, as in Lua; "
    "the rnn's gradient for an action goes nowhere, REINFORCE modules make their own",
)
