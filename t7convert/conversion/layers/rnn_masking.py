"""Converters of the small modules and of the criterions of the recurrent packages."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.rnn_cells import only_child
from t7convert.conversion.registry import converts
from t7convert.nn import rnn_criterions, rnn_simple
from t7convert.nn.rnn_masking import MaskZero, TrimZero
from t7convert.nn.rnn_steps import Masked, Masking

_Masked = TypeVar("_Masked", bound=Masked)


def masking(m: Layer) -> Masking:
    """Return where torch/rnn takes the masked steps from."""
    if not m.flag("maskzero"):
        return "off"
    return "given" if m.flag("v2") else "zeros"


def take_mask(m: Layer, module: _Masked) -> _Masked:
    """Let the module have the mask that the file holds, if it holds one that serves."""
    if m.get("zeroMask") is False:
        module.set_zero_mask(False)
    elif m.has("zeroMask") and module.masking == "given":
        module.set_zero_mask(m.constant("zeroMask"))
    return module


@converts("nn.MaskZero@rnn")
def mask_zero(m: Layer) -> MaskZero:
    return MaskZero(only_child(m), input_dims=m.integer("nInputDim"))


@converts("nn.MaskZero@torch/rnn")
def mask_zero_2017(m: Layer) -> MaskZero:
    module = MaskZero(
        only_child(m),
        masking="given" if m.flag("v2") else "zeros",
        mask_input=m.flag("maskinput"),
        mask_output=m.flag("maskoutput"),
    )
    return take_mask(m, module)


@converts("nn.TrimZero")
def trim_zero(m: Layer) -> TrimZero:
    return TrimZero(only_child(m), m.integer("nInputDim"))


@converts("nn.Dropout@rnn")
def dropout(m: Layer) -> rnn_simple.LazyDropout:
    return rnn_simple.LazyDropout(
        m.number("p"),
        scaled=m.flag("v2"),
        inplace=m.inplace,
        lazy=m.flag("lazy"),
        mono=m.flag("mono"),
    )


@converts("nn.SAdd")
def s_add(m: Layer) -> rnn_simple.SAdd:
    return rnn_simple.SAdd(m.number("addend"), m.flag("negate"))


@converts("nn.CopyGrad")
def copy_grad(m: Layer) -> nn.Identity:
    return nn.Identity()


@converts("nn.LinearNoBias")
def linear_no_bias(m: Layer) -> nn.Linear:
    outputs, inputs = m.shape("weight")
    module = nn.Linear(inputs, outputs, bias=False)
    m.bind("weight", module)
    return module


@converts("nn.LookupTableMaskZero")
def lookup_table_mask_zero(m: Layer) -> rnn_simple.LookupTableMaskZero:
    limited = m.get("maxNorm", False) is not False
    module = rnn_simple.LookupTableMaskZero(
        *m.shape("weight"),
        padding=m.integer("paddingValue"),
        max_norm=m.number("maxNorm") if limited else None,
        norm_type=2.0 if m.get("normType") is None else m.number("normType"),
        scale_grad_by_freq=m.flag("shouldScaleGradByFreq"),
    )
    m.bind("weight", module)
    return module


@converts("nn.SeqReverseSequence")
def seq_reverse_sequence(m: Layer) -> rnn_simple.Reverse:
    return rnn_simple.Reverse(m.integer("dim") - 1)


@converts("nn.ReverseSequence")
def reverse_sequence(m: Layer) -> rnn_simple.Reverse:
    return rnn_simple.Reverse()


@converts("nn.SequencerCriterion")
def sequencer_criterion(m: Layer) -> rnn_criterions.SequencerCriterion:
    return rnn_criterions.SequencerCriterion(m.child("criterion"), m.flag("sizeAverage"))


@converts("nn.RepeaterCriterion")
def repeater_criterion(m: Layer) -> rnn_criterions.RepeaterCriterion:
    return rnn_criterions.RepeaterCriterion(m.child("criterion"), m.flag("sizeAverage"))


@converts("nn.MaskZeroCriterion@rnn")
def mask_zero_criterion(m: Layer) -> rnn_criterions.MaskZeroCriterion:
    dims = m.integer("nInputDim")
    return rnn_criterions.MaskZeroCriterion(m.child("criterion"), input_dims=dims)


@converts("nn.MaskZeroCriterion@torch/rnn")
def mask_zero_criterion_2017(m: Layer) -> rnn_criterions.MaskZeroCriterion:
    given: Masking = "given" if m.flag("v2") else "zeros"
    return take_mask(m, rnn_criterions.MaskZeroCriterion(m.child("criterion"), masking=given))
