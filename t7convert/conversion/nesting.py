"""Modules inside modules: PyTorch calls itself for each level, and Python bounds that."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from t7convert.errors import ConversionError, Problem
from t7convert.lua.tree import LuaModule

#: Levels of modules in modules that are converted; known networks have 20 at most.
LEVELS = 500
_FRAMES = 20  # Python frames that conversion, checks and PyTorch take for one level, at most


@contextmanager
def room_for(root: LuaModule) -> Iterator[None]:
    """Let Python's stack be as deep as the work on this tree needs.

    Raises:
        ConversionError: if a module contains itself, or modules nest too deep.
    """
    before = sys.getrecursionlimit()
    levels = _levels(root)
    if levels > LEVELS:
        reason = f"modules nest {levels:,} deep below it, and at most {LEVELS} levels are converted"
        raise ConversionError([Problem(root.typename, root.path, reason)])
    sys.setrecursionlimit(max(before, 1000 + _FRAMES * levels))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _levels(root: LuaModule) -> int:
    """Return the number of modules on the longest way from ``root`` down."""
    done: dict[int, int] = {}
    open_ = {id(root)}
    stack = [(root, iter([child for _, child in root.children()]))]
    while stack:
        module, children = stack[-1]
        child = next(children, None)
        if child is None:
            below = (done[id(each)] for _, each in module.children())
            done[id(module)] = 1 + max(below, default=0)
            open_.discard(id(module))
            stack.pop()
        elif id(child) in open_:
            reason = f"it contains itself, at {child.path or 'the root'}"
            raise ConversionError([Problem(module.typename, module.path, reason)])
        elif id(child) not in done:
            open_.add(id(child))
            stack.append((child, iter([each for _, each in child.children()])))
    return done[id(root)]
