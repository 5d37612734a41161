"""Which module objects are called several times in one forward pass of a network."""

from __future__ import annotations

from t7convert.lua.aliasing import VIEWS, is_in_place, names
from t7convert.lua.tree import LuaModule, walk

#: Modules that keep their unfolded input, which the last call overwrote, for the weight's gradient.
UNFOLDING = names(
    "nn.SpatialConvolution nn.SpatialConvolutionMM nn.SpatialConvolutionLocal "
    "nn.VolumetricConvolution"
)


def reused(root: LuaModule) -> list[LuaModule]:
    """Return the modules without children that stand at several places below ``root``.

    A module inside a container that stands at several places does so too. Containers return what
    their children return, so only the latter have an output buffer of their own.
    """
    return [m for m in _several(root) if not is_in_place(m)]


def reused_in_place(root: LuaModule) -> list[LuaModule]:
    """Return the in-place modules that stand at several places below ``root``.

    Each has one output object, which its last call pointed at that call's input.
    """
    return [m for m in _several(root) if is_in_place(m)]


def _several(root: LuaModule) -> list[LuaModule]:
    places: dict[int, int] = {id(root): 1}
    order = _parents_first(root)
    for module in order:
        for _, child in module.children():
            places[id(child)] = min(places.get(id(child), 0) + places[id(module)], 2)
        if module.spec.typename == "nn.gModule":
            _count_nodes(module, places)
    return [m for m in order if places[id(m)] > 1 and _has_output(m)]


def _has_output(module: LuaModule) -> bool:
    """Tell whether the module's output is an object of its own."""
    return not any(True for _ in module.children()) and module.spec.typename not in VIEWS


def _count_nodes(module: LuaModule, places: dict[int, int]) -> None:
    """Count a module that several nodes of a graph call."""
    modules = module.fields.get("modules", [])
    seen: set[int] = set()
    for node in module.fields.get("nodes", []):
        if node["module"] is not None:
            position = int(node["module"])
            if position in seen:
                places[id(modules[position - 1])] = 2
            seen.add(position)


def _parents_first(root: LuaModule) -> list[LuaModule]:
    """Return the modules in an order in which every one stands behind all its parents."""
    waiting: dict[int, int] = {}
    for module in walk(root):
        for _, child in module.children():
            waiting[id(child)] = waiting.get(id(child), 0) + 1
    order, stack = [], [root]
    while stack:
        module = stack.pop()
        order.append(module)
        for _, child in module.children():
            waiting[id(child)] -= 1
            if waiting[id(child)] == 0:
                stack.append(child)
    return order
