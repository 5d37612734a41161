"""``torch.legacy.nn`` for ``isinstance``: a class for each Lua class, ``cudnn``'s being ``nn``'s.

Containers can be made without arguments, ``nn.Sequential().add(module)``; the rest comes from
files.
"""

from __future__ import annotations

from t7convert.compat.module import LegacyModule, legacy_class
from t7convert.lua import schema

Module = LegacyModule


def __getattr__(name: str) -> type[LegacyModule]:
    for package in ("nn", "cudnn"):
        if schema.is_known(f"{package}.{name}"):
            return legacy_class(f"{package}.{name}")
    raise AttributeError(f"there is no Lua class nn.{name}")
