"""Converters of the containers that hand their input to children."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.layers.select import position
from t7convert.conversion.registry import converts
from t7convert.nn import containers


@converts("nn.Sequential")
def sequential(m: Layer) -> nn.Sequential:
    return nn.Sequential(*m.children())


@converts("nn.ConcatTable")
def concat_table(m: Layer) -> containers.ConcatTable:
    return containers.ConcatTable(*m.children())


@converts("nn.ParallelTable")
def parallel_table(m: Layer) -> containers.ParallelTable:
    return containers.ParallelTable(*m.children())


@converts("nn.MapTable")
def map_table(m: Layer) -> containers.MapTable:
    return containers.MapTable(*m.children())


@converts("nn.Concat")
def concat(m: Layer) -> containers.Concat:
    return containers.Concat(position(m, "dimension", backwards=False), *m.children())


@converts("nn.DepthConcat")
def depth_concat(m: Layer) -> containers.DepthConcat:
    return containers.DepthConcat(position(m, "dimension", backwards=False), *m.children())


@converts("nn.Parallel")
def parallel(m: Layer) -> containers.Parallel:
    slices = position(m, "inputDimension", backwards=False)
    joined = position(m, "outputDimension", backwards=False)
    return containers.Parallel(slices, joined, *m.children())


@converts("t7convert.Branch")
def branch(m: Layer) -> containers.Branch:
    entry = None if m.get("entry") is None else m.integer("entry") - 1
    dim = None if m.get("dimension") is None else m.integer("dimension") - 1
    return containers.Branch(str(m.require("name")), m.child(), entry, dim)
