"""Converters of the criterions made of criterions."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.format.objects import LuaStorage
from t7convert.nn.criterion_containers import (
    CriterionTable,
    ModuleCriterion,
    MultiCriterion,
    ParallelCriterion,
)


def _weights(m: Layer, count: int) -> list[float]:
    """Return the weights of ``count`` criterions: a list, or a storage, that may be longer."""
    value = m.require("weights")
    values = value.numpy().tolist() if isinstance(value, LuaStorage) else value
    if not isinstance(values, list) or len(values) < count:
        raise m.error(f"the field weights is {value!r}, expected {count} numbers")
    return [float(weight) for weight in values[:count]]


@converts("nn.MultiCriterion")
def multi_criterion(m: Layer) -> MultiCriterion:
    criterions = m.children("criterions")
    return MultiCriterion(criterions, _weights(m, len(criterions)))


@converts("nn.ParallelCriterion")
def parallel_criterion(m: Layer) -> ParallelCriterion:
    criterions = m.children("criterions")
    weights = _weights(m, len(criterions))
    return ParallelCriterion(criterions, weights, m.flag("repeatTarget"))


@converts("nn.ModuleCriterion")
def module_criterion(m: Layer) -> ModuleCriterion:
    def optional(name: str) -> nn.Module | None:
        return m.child(name) if m.get(name) is not None else None

    return ModuleCriterion(m.child("criterion"), optional("inputModule"), optional("targetModule"))


@converts("nn.CriterionTable")
def criterion_table(m: Layer) -> CriterionTable:
    return CriterionTable(m.child("criterion"))
