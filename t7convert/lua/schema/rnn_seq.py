"""Rows of LSTM and GRU with one weight for all gates: over sequences, and single steps."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, row

#: Buffers of the four classes; ``h0`` and ``c0`` are what was remembered, filled at each call.
WORK = """
gradWeight gradBias gradWeightO gates cell buffer1 buffer2 buffer3 grad_a_buffer h0 c0 grad_h0
grad_c0 grad_x _grad_x _output _hidden hidden next_h grad_next_h grad_hidden grad_hT grad_cT
_zeroMask _maskbyte _maskindices recompute_backward _return_grad_c0 _return_grad_h0
userGradPrevOutput userGradPrevCell userNextGradCell gradPrevOutput seqLength miniBatch forceLua
"""
_MASK = "masked steps (input rows of zeros) give zeros and restart the state. "
_GIVEN = "maskzero takes the mask of setZeroMask, or rows of zeros where v2 is false. "
_RESET = "the state is reset before the product, so it's not torch.nn.GRU. "
_START = "a remembered state isn't taken over: the network starts as after forget()"


def hidden_is_output(fields: RawFields, version: float | None) -> None:
    """Before SeqLSTMP there was no hiddensize (2016)."""
    if fields.get("hiddensize") is None:
        fields["hiddensize"] = fields["outputsize"]


row(
    "nn.SeqLSTM@rnn",
    "Element-Research/rnn: SeqLSTM.lua",
    parameters="weight bias",
    constants={
        "inputsize": REQUIRED,
        "hiddensize": REQUIRED,
        "outputsize": REQUIRED,
        "batchfirst": False,
        "maskzero": False,
        "_remember": "neither",
        "userPrevOutput": None,
        "userPrevCell": None,
    },
    buffers=WORK + " zeroMask",
    upgrade=hidden_is_output,
    unless="v2",
    notes="gates i, f, o, g; steps x batch x inputs unless batchfirst. " + _MASK + _START,
)
alias(
    "nn.SeqLSTMP@rnn",
    "nn.SeqLSTM@rnn",
    "Element-Research/rnn: SeqLSTMP.lua",
    parameters=("weight", "bias", "weightO"),
)
row(
    "nn.SeqGRU@rnn",
    "Element-Research/rnn: SeqGRU.lua",
    parameters="weight bias",
    constants={
        "inputSize": REQUIRED,
        "outputSize": REQUIRED,
        "batchfirst": False,
        "maskzero": False,
        "_remember": "neither",
        "userPrevOutput": None,
    },
    buffers=WORK + " zeroMask",
    unless="v2",
    notes="gates r, u, candidate; " + _RESET + _MASK + _START,
)
row(
    "nn.SeqLSTM@torch/rnn",
    "torch/rnn: SeqLSTM.lua",
    parameters="weight bias weightO",
    constants={
        "inputsize": REQUIRED,
        "hiddensize": REQUIRED,
        "outputsize": REQUIRED,
        "maskzero": False,
        "v2": True,
        "zeroMask": None,
        "_remember": "neither",
    },
    buffers=WORK,
    when="v2",
    notes="gates i, f, o, g; steps x batch x inputs. " + _GIVEN + _START,
)
alias("nn.SeqLSTMP@torch/rnn", "nn.SeqLSTM@torch/rnn", "torch/rnn: deprecated/SeqLSTMP.lua")
row(
    "nn.SeqGRU@torch/rnn",
    "torch/rnn: SeqGRU.lua",
    parameters="weight bias",
    constants={
        "inputsize": REQUIRED,
        "outputsize": REQUIRED,
        "maskzero": False,
        "v2": True,
        "zeroMask": None,
        "_remember": "neither",
    },
    buffers=WORK,
    when="v2",
    notes="gates r, u, candidate; " + _RESET + _GIVEN + _START,
)
row(
    "nn.StepLSTM",
    "torch/rnn: StepLSTM.lua",
    parameters="weight bias weightO",
    constants={
        "inputsize": REQUIRED,
        "hiddensize": REQUIRED,
        "outputsize": REQUIRED,
        "maskzero": False,
        "v2": True,
        "zeroMask": None,
    },
    buffers=WORK,
    notes="the step of RecLSTM. " + _GIVEN,
)
row(
    "nn.StepGRU",
    "torch/rnn: StepGRU.lua",
    parameters="weight bias",
    constants={
        "inputsize": REQUIRED,
        "outputsize": REQUIRED,
        "maskzero": False,
        "v2": True,
        "zeroMask": None,
    },
    buffers=WORK,
    notes="the step of RecGRU. " + _GIVEN,
)
