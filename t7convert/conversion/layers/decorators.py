"""Converters of the modules around one other module, and of those that only watch."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.select import optional
from t7convert.conversion.registry import converts
from t7convert.nn import decorators
from t7convert.nn.containers import Concat


def only_child(m: Layer) -> nn.Module:
    """Return the one module of a decorator."""
    modules = m.modules_at()
    if len(modules) != 1:
        raise m.error(f"it holds {len(modules)} modules, expected 1")
    return m.convert(modules[0])


@converts("nn.Decorator", "nn.Profile", "nn.GPU", "nn.DataParallelTable", "nn.DataParallel")
def decorator(m: Layer) -> decorators.Decorator:
    return decorators.Decorator(only_child(m))


@converts("nn.Bottle")
def bottle(m: Layer) -> decorators.Bottle:
    dims = m.integer("nInputDim")
    out = optional(m, "nOutputDim")
    return decorators.Bottle(only_child(m), dims, dims if out is None else out)


@converts("nn.NaN")
def nan(m: Layer) -> decorators.NaN:
    return decorators.NaN(only_child(m))


@converts("nn.PrintSize")
def print_size(m: Layer) -> decorators.PrintSize:
    return decorators.PrintSize(str(m.require("prefix")))


@converts("nn.ModelParallel")
def model_parallel(m: Layer) -> Concat:
    return Concat(m.integer("dimension") - 1, *m.children())
