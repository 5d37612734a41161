"""Keep a network up to a module."""

from __future__ import annotations

from t7convert.lua.tree import LuaModule


def truncate(tree: LuaModule, path: str) -> LuaModule:
    raise ValueError(path)
