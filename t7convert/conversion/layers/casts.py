"""Converters of the modules about element types and layouts."""

from __future__ import annotations

import numpy as np
import torch

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.decorators import only_child
from t7convert.conversion.registry import converts
from t7convert.format.objects import dtype_of
from t7convert.nn import casts


def element_type(m: Layer, field: str) -> torch.dtype:
    """Return the element type that a field names; float32 where the file doesn't say."""
    name = m.get(field, "torch.FloatTensor")
    try:
        return torch.from_numpy(np.empty(0, dtype_of(name))).dtype
    except (KeyError, TypeError) as error:
        raise m.error(f"the field {field} is {name!r}, expected a tensor class") from error


@converts("nn.Copy")
def copy(m: Layer) -> casts.Copy:
    return casts.Copy(element_type(m, "outtype"))


@converts("nn.Convert")
def convert(m: Layer) -> casts.Convert:
    source, target = m.require("inputShape"), m.require("outputShape")
    letters = sorted(source) == sorted(target)
    to_vectors = target == "bf" and source != "bt"
    to_scalars = target == "b" and sorted(source) in (["b", "f"], ["b", "t"])
    if not (letters or to_vectors or to_scalars or (source, target) == ("b", "bt")):
        raise m.error(f"Lua knows no conversion of {source} to {target}")
    return casts.Convert(source, target, element_type(m, "outtype"))


@converts("nn.DontCast")
def dont_cast(m: Layer) -> casts.DontCast:
    inner = element_type(m, "moduleType") if m.flag("castin") else None
    outer = element_type(m, "outtype") if m.flag("castout") else None
    return casts.DontCast(only_child(m), inner, outer)
