"""Converters of nnx's criterions."""

from __future__ import annotations

import t7convert.nn.nnx_criterions as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts


@converts("nn.SuperCriterion")
def super_criterion(m: Layer) -> ours.SuperCriterion:
    weights = m.require("weights")
    if not isinstance(weights, list) or not all(isinstance(w, (int, float)) for w in weights):
        raise m.error(f"the field weights is {weights!r}, expected a list of numbers")
    return ours.SuperCriterion(m.children("criterions"), [float(w) for w in weights])


@converts("nn.DistNLLCriterion")
def dist_nll_criterion(m: Layer) -> ours.DistNLLCriterion:
    return ours.DistNLLCriterion(
        distance=m.flag("inputIsADistance"),
        probability=m.flag("inputIsProbability"),
        log_probability=m.flag("inputIsLogProbability"),
        target_probability=m.flag("targetIsProbability"),
    )


@converts("nn.DistMarginCriterion")
def dist_margin_criterion(m: Layer) -> ours.DistMarginCriterion:
    return ours.DistMarginCriterion(m.flag("sizeAverage"))


@converts("nn.TreeNLLCriterion")
def tree_nll_criterion(m: Layer) -> ours.TreeNLLCriterion:
    return ours.TreeNLLCriterion()
