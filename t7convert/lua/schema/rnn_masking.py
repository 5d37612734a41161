"""Rows of the small modules and of the criterions of Element-Research/rnn and torch/rnn."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, row

_LEAK = (
    "Lua masks the gradient for the inputs but not for parameters at the end of the module "
    "(the bias of a decorated Linear)"
)

row(
    "nn.MaskZero@rnn",
    "Element-Research/rnn: MaskZero.lua",
    children="modules",
    constants={"nInputDim": REQUIRED},
    buffers="module zeroMask _zeroMask _maskbyte _maskindices gradOutput batchmode",
    when="nInputDim",
    true_gradient=False,
    notes="masks where the input's rows are zeros. " + _LEAK,
)
row(
    "nn.MaskZero@torch/rnn",
    "torch/rnn: MaskZero.lua",
    children="modules",
    constants={"v2": False, "maskinput": False, "maskoutput": True, "zeroMask": None},
    buffers="module gradOutput",
    unless="nInputDim",
    true_gradient=False,
    notes="takes the mask of setZeroMask, or rows of zeros where v2 is false. " + _LEAK,
)
row(
    "nn.TrimZero",
    "Element-Research/rnn: TrimZero.lua",
    children="modules",
    constants={"nInputDim": REQUIRED},
    buffers="module zeroMask _zeroMask _maskbyte _maskindices temp gradTemp batchmode",
    notes="as MaskZero, but the module gets the unmasked rows only",
)
row(
    "nn.Dropout@rnn",
    "Element-Research/rnn, torch/rnn: Dropout.lua",
    constants={"p": 0.5, "v2": False, "inplace": False, "lazy": False, "mono": False},
    buffers="noise flag fnoise",
    when="lazy",
    random=True,
    true_gradient=False,
    notes="random in training; without v2 evaluation multiplies by 1 - p and its gradient is "
    "divided by it. A lazy one draws its mask after a backward only",
)
row(
    "nn.SAdd",
    "Element-Research/rnn, torch/rnn: SAdd.lua",
    constants={"addend": REQUIRED, "negate": False},
)
row("nn.CopyGrad", "Element-Research/rnn, torch/rnn: CopyGrad.lua", buffers="norm")
row(
    "nn.LinearNoBias",
    "Element-Research/rnn: LinearNoBias.lua",
    parameters="weight",
    buffers="gradWeight addBuffer",
)
alias(
    "nn.LookupTableMaskZero",
    "nn.LookupTable",
    "Element-Research/rnn, torch/rnn: LookupTableMaskZero.lua",
    buffers="__input",
    true_gradient=False,
    notes="index 0 gives zeros; index i is row i + 1. Row 1 has a gradient that nothing depends on",
)
row(
    "nn.SeqReverseSequence",
    "Element-Research/rnn, torch/rnn: SeqReverseSequence.lua",
    constants={"dim": REQUIRED},
    buffers="outputIndices gradIndices",
)
row("nn.ReverseSequence", "torch/rnn: ReverseSequence.lua", buffers="_range")


def first_clone(fields: RawFields, version: float | None) -> None:
    """torch/rnn keeps the criterion as the first of its clones only."""
    if fields.get("criterion") is None:
        fields["criterion"] = fields["clones"][1]


row(
    "nn.SequencerCriterion",
    "Element-Research/rnn, torch/rnn: SequencerCriterion.lua",
    kind="criterion",
    children="criterion",
    constants={"sizeAverage": False},
    buffers="clones",
    upgrade=first_clone,
)
alias(
    "nn.RepeaterCriterion",
    "nn.SequencerCriterion",
    "Element-Research/rnn, torch/rnn: RepeaterCriterion.lua",
)
row(
    "nn.MaskZeroCriterion@rnn",
    "Element-Research/rnn: MaskZeroCriterion.lua",
    kind="criterion",
    children="criterion",
    constants={"nInputDim": REQUIRED},
    buffers="zeroMask _zeroMask __zeroMask input target _gradInput",
    when="nInputDim",
    notes="leaves out the rows of the input that are zeros",
)
row(
    "nn.MaskZeroCriterion@torch/rnn",
    "torch/rnn: MaskZeroCriterion.lua",
    kind="criterion",
    children="criterion",
    constants={"v2": False, "zeroMask": None},
    buffers="_oneMask _indices _range input target _gradInput isEmptyBatch",
    unless="nInputDim",
    notes="leaves out masked rows: setZeroMask, or rows of zeros where v2 is false",
)
