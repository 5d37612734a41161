"""Which poolings are asked for their indices by an unpooling."""

from __future__ import annotations

from t7convert.lua.tree import LuaModule, walk


def recorded_poolings(root: LuaModule) -> frozenset[int]:
    """Return the ids of the modules that an unpooling keeps in its field ``pooling``."""
    poolings = (module.fields.get("pooling") for module in walk(root))
    return frozenset(id(pooling) for pooling in poolings if isinstance(pooling, LuaModule))
