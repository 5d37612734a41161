"""Lua objects made in Python, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from t7convert.format.objects import ArrayPayload, LuaObject, LuaStorage, LuaTable, LuaTensor


def storage(values: Any, kind: str = "Double") -> LuaStorage:
    """Return a storage of these values."""
    typename = f"torch.{kind}Storage"
    flat = np.asarray(values).reshape(-1)
    made = LuaStorage(typename, flat.size, ArrayPayload(flat))
    return LuaStorage(typename, flat.size, ArrayPayload(flat.astype(made.dtype)))


def tensor(values: Any, kind: str = "Double") -> LuaTensor:
    """Return a contiguous tensor of its own storage."""
    array = np.asarray(values)
    return view(storage(array, kind), array.shape)


def view(
    base: LuaStorage,
    size: tuple[int, ...],
    stride: tuple[int, ...] | None = None,
    offset: int = 0,
) -> LuaTensor:
    """Return a tensor on ``base``, contiguous unless ``stride`` says otherwise."""
    if stride is None:
        steps = [1]
        for n in reversed(size[1:]):
            steps.append(steps[-1] * n)
        stride = tuple(reversed(steps))
    return LuaTensor(base.typename.replace("Storage", "Tensor"), size, stride, offset, base)


def table(*items: Any, **named: Any) -> LuaTable:
    """Return a table with the items 1..n and the named entries."""
    entries: dict[Any, Any] = dict(enumerate(items, start=1))
    return LuaTable({**entries, **named})


def obj(typename: str, version: int | None = 1, **fields: Any) -> LuaObject:
    """Return an object with these fields."""
    return LuaObject(typename, LuaTable(fields), version=version)


def linear(inputs: int, outputs: int, *, seed: int = 0, weight: Any = None) -> LuaObject:
    """Return an nn.Linear with random values, or with the given weight tensor."""
    rng = np.random.default_rng(seed)
    weight = tensor(rng.standard_normal((outputs, inputs))) if weight is None else weight
    return obj("nn.Linear", weight=weight, bias=tensor(rng.standard_normal(outputs)))


def sequential(*modules: LuaObject) -> LuaObject:
    """Return an nn.Sequential of these modules."""
    return obj("nn.Sequential", modules=table(*modules))
