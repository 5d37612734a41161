"""Rows of the recurrent modules that take one step per call (Element-Research/rnn, torch/rnn)."""

from __future__ import annotations

from typing import Any

from t7convert.format.objects import LuaObject, LuaTable
from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, find, row

#: Fields of AbstractRecurrent: shared copies of the step's module and what was remembered.
RECURRENT = """
recurrentModule sharedClones nSharedClone rmInSharedClones module rho seqlen step outputs
gradInputs _gradOutputs gradOutputs cells gradCells cell gradPrevOutput zeroTensor zeroOutput
zeroCell typeTensor updateGradInputStep accGradParametersStep maskzero
_prevOutput dpnn_mediumEmpty userGradPrevOutput userGradPrevCell userNextGradOutput
userNextGradCell
"""
#: Fields of LSTM and GRU that name parts of the step's module, and how it was made.
PARTS = """
i2g o2g inputGate forgetGate outputGate hiddenLayer cellLayer cell2gate p mono eps momentum affine
inputSize inputsize
"""
#: torch/rnn's mask of coming steps, and how many are done.
MASK = {"zeroMask": None, "zeroMaskStep": 0}
FORGOTTEN = "a saved memory (outputs, cells) is left: the network starts as after forget()"


def only_step(fields: RawFields, version: float | None) -> None:
    """Where ``modules`` is missing or empty, the step's module stands in a field of its own."""
    modules = fields.get("modules")
    if modules is None or not len(modules):
        step = fields.get("recurrentModule", fields.get("module", fields.get("rnn")))
        fields["modules"] = [] if step is None else [step]


row(
    "nn.LSTM@rnn",
    "Element-Research/rnn: LSTM.lua",
    children="modules",
    constants={"outputSize": REQUIRED, "userPrevOutput": None, "userPrevCell": None, **MASK},
    buffers=f"{RECURRENT} {PARTS}",
    upgrade=only_step,
    when="recurrentModule",
    notes="with peepholes (cell2gate) by default. " + FORGOTTEN,
)
alias(
    "nn.LSTM@torch/rnn",
    "nn.LSTM@rnn",
    "torch/rnn: deprecated/LSTM.lua",
    when=("modules",),
    unless=("recurrentModule", "weight"),
)
alias(
    "nn.FastLSTM",
    "nn.LSTM@rnn",
    "Element-Research/rnn, torch/rnn: FastLSTM.lua",
    when=(),
    notes="with batch normalisation (bn) training counts all steps in one set of statistics, of "
    "which Lua has one per step. " + FORGOTTEN,
)
row(
    "nn.GRU",
    "Element-Research/rnn, torch/rnn: GRU.lua",
    children="modules",
    constants={"outputSize": REQUIRED, "userPrevOutput": None, "startState": None, **MASK},
    buffers=f"{RECURRENT} {PARTS}",
    upgrade=only_step,
    unless="weight",
    notes="resets the state before the product, so it's not torch.nn.GRU. " + FORGOTTEN,
)
alias(
    "nn.MuFuRu",
    "nn.GRU",
    "Element-Research/rnn, torch/rnn: Mufuru.lua",
    buffers="ops num_ops operations",
)
row(
    "nn.Recurrence",
    "Element-Research/rnn, torch/rnn: Recurrence.lua",
    children="modules",
    constants={
        "outputSize": REQUIRED,
        "nInputDim": REQUIRED,
        "userPrevOutput": None,
        "startState": None,
        **MASK,
    },
    buffers=RECURRENT,
    upgrade=only_step,
    notes=FORGOTTEN,
)
alias("nn.LinearRNN", "nn.Recurrence", "torch/rnn: LinearRNN.lua", buffers="inputsize outputsize")
alias("nn.LookupRNN", "nn.Recurrence", "torch/rnn: LookupRNN.lua", buffers="nindex outputsize")


def first_with_statistics(fields: RawFields, version: float | None) -> None:
    """The first step's module is a copy with the same parameters, so it isn't needed.

    Unless it holds batch normalisation: statistics are the copy's own.
    """
    initial = fields.get("initialModule")
    if isinstance(initial, LuaObject) and _holds_statistics(initial):
        fields["firstModule"] = initial


def _holds_statistics(value: Any) -> bool:
    if isinstance(value, LuaTable):
        return any(_holds_statistics(item) for item in value.values())
    if not isinstance(value, LuaObject) or not isinstance(value.payload, LuaTable):
        return False
    spec = find(value.typename, value.payload)
    if spec is None:
        return False
    if any(value.payload.get(name) is not None for name in spec.statistics):
        return True
    return any(_holds_statistics(value.payload.get(name)) for name in spec.children)


row(
    "nn.Recurrent",
    "Element-Research/rnn: Recurrent.lua",
    children="modules firstModule",
    buffers=f"{RECURRENT} initialModule startModule inputModule feedbackModule transferModule "
    "mergeModule",
    upgrade=first_with_statistics,
    notes=FORGOTTEN,
)
row(
    "nn.Recursor",
    "Element-Research/rnn, torch/rnn: Recursor.lua",
    children="modules",
    constants=MASK,
    buffers=RECURRENT,
    upgrade=only_step,
)
row(
    "nn.NormStabilizer",
    "Element-Research/rnn, torch/rnn: NormStabilizer.lua",
    constants={"beta": 1},
    buffers=f"{RECURRENT} modules _normsum _gradInput loss",
    true_gradient=False,
    notes="training adds the gradient of a penalty on changes of the norm from step to step",
)
row(
    "nn.RecLSTM",
    "torch/rnn: RecLSTM.lua",
    children="modules",
    constants={"outputsize": REQUIRED, "hiddensize": REQUIRED, "startState": None, **MASK},
    buffers=f"{RECURRENT} inputsize",
    notes=FORGOTTEN,
)
row(
    "nn.RecGRU",
    "torch/rnn: RecGRU.lua",
    children="modules",
    constants={"outputsize": REQUIRED, "startState": None, **MASK},
    buffers=f"{RECURRENT} inputsize",
    notes=FORGOTTEN,
)
