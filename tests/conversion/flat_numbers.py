"""Numbers and networks for the tests of flat vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from t7convert.conversion import Converted, convert_tree
from t7convert.format.objects import LuaObject
from t7convert.lua.tree import build
from tests.build import obj, tensor
from tests.drawing import generator

DRAW = generator(8)


def numbers(*shape: int) -> Any:
    return DRAW.normal(size=shape)


def converted(root: LuaObject) -> Converted:
    return convert_tree(build(root))


def norm(size: int, kind: str = "BatchNormalization", version: int = 2) -> LuaObject:
    name = "running_var" if version == 2 else "running_std"
    fields = {"weight": tensor(numbers(size)), "bias": tensor(numbers(size)), "eps": 1e-3}
    fields |= {"running_mean": tensor(numbers(size)), name: tensor(np.full(size, 0.5))}
    return obj(f"nn.{kind}", version, **fields)
