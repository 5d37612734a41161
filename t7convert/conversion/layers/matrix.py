"""Converters of the products and mixtures of several inputs."""

from __future__ import annotations

import t7convert.nn.matrix as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts


@converts("nn.MM")
def mm(m: Layer) -> ours.MM:
    return ours.MM(m.flag("transA"), m.flag("transB"))


@converts("nn.MV")
def mv(m: Layer) -> ours.MV:
    return ours.MV(m.flag("trans"))


@converts("nn.MixtureTable")
def mixture_table(m: Layer) -> ours.MixtureTable:
    return ours.MixtureTable(None if m.get("dim") is None else m.integer("dim") - 1)
