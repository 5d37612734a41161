"""Pieces of memory that a network's modules read and overwrite, and who sees what.

Used by :mod:`t7convert.lua.overwriting`, which runs a network with these instead of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from t7convert.lua.aliasing import RESTORING
from t7convert.lua.tree import LuaModule

#: Where a module stands: the containers that give their input to several children, and which.
Branch: TypeAlias = "tuple[tuple[int, int], ...]"


@dataclass(eq=False)
class Memory:
    """What one module allocated (None: the network's input)."""

    maker: LuaModule | None
    public: bool = False
    version: int = 0
    reads: list[tuple[int, int, Branch]] = field(default_factory=list)  # (time, version, where)
    overwritten: list[tuple[int, int, LuaModule]] = field(default_factory=list)
    copiers: set[int] = field(default_factory=set)
    readers: set[int] = field(default_factory=set)
    buffer: bool = False  # of a module that several calls write
    writing: dict[int, Branch] = field(default_factory=dict)  # where overwriting modules stand

    def seen(self, time: int, version: int, module: LuaModule) -> bool:
        """Tell whether somebody reads an older version, in backward or after ``time``."""
        restored = module.spec.typename in RESTORING
        return (
            self.public
            or any(read < version and (when > time or not restored) for when, read, _ in self.reads)
            or self.asked_first(version, module)
        )

    def asked_first(self, version: int, module: LuaModule) -> bool:
        """Tell whether a branch goes backward, over older values, before they are put back.

        ConcatTable and its like go backward in the order of their children, not in reverse.
        """
        if module.spec.typename not in RESTORING:
            return False
        here = self.writing[id(module)]
        return any(read < version and is_earlier(there, here) for _, read, there in self.reads)


def is_earlier(branch: Branch, other: Branch) -> bool:
    """Tell whether ``branch`` goes backward before ``other``, as a child of the same container."""
    for (container, child), (same, sibling) in zip(branch, other, strict=False):
        if container != same:
            return False
        if child != sibling:
            return child < sibling
    return False
