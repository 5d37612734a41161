"""Converters of the tables of vectors, and of one-hot vectors."""

from __future__ import annotations

from math import isinf
from typing import Any

import numpy as np
import torch

import t7convert.nn.embedding as ours
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.format.objects import dtype_of


def table_options(m: Layer) -> dict[str, Any]:
    """Return the arguments of a LookupTable, but its sizes."""
    limited = m.get("maxNorm", False) is not False
    if limited and m.get("normType") is not None and isinf(m.number("normType")):
        raise m.error("normType is infinite, for which Lua takes every norm to be 1")
    return {
        "padding": m.integer("paddingValue"),
        "max_norm": m.number("maxNorm") if limited else None,
        "norm_type": 2.0 if m.get("normType") is None else m.number("normType"),
        "scale_grad_by_freq": m.flag("shouldScaleGradByFreq"),
    }


@converts("nn.LookupTable")
def lookup_table(m: Layer) -> ours.LookupTable:
    module = ours.LookupTable(*m.shape("weight"), **table_options(m))
    m.bind("weight", module)
    return module


@converts("nn.OneHot")
def one_hot(m: Layer) -> ours.OneHot:
    kind = m.get("_type")
    dtype = None if kind is None else torch.from_numpy(np.empty(0, dtype_of(kind))).dtype
    return ours.OneHot(m.integer("outputSize"), dtype)
