"""Keep a network up to a module: a tree that computes what one inner module gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import takewhile
from typing import Any

from t7convert import paths
from t7convert.errors import ConversionError, PathError, Problem
from t7convert.lua import schema
from t7convert.lua.overwriting import overwrites
from t7convert.lua.tree import LuaModule, walk

Keys = tuple[Any, ...]
#: From a container, the keys of a child and what became of it: what becomes of the container.
Cut = Callable[[LuaModule, Keys, LuaModule], LuaModule]


def truncate(tree: LuaModule, path: str) -> LuaModule:
    """Return a tree that computes the output of the module at ``path``, on the tree's input.

    ``path`` counts from the file's root, as the paths of a tree do, or from the model:
    ``model.modules[5]`` or ``modules[5]``. What runs after the module, and beside it without
    feeding it, is left out; what is kept has the names (state_dict keys) that it had.

    Raises:
        PathError: if no module stands at ``path``.
        ConversionError: if a container on the way can't be cut; it is named, with the reason.
    """
    steps = _steps(tree, path)
    result = steps[-1][2] if steps else tree
    seen = overwrites(tree).visible if steps else frozenset()
    for container, keys, child in reversed(steps):
        cut = _CUTS.get(container.spec.typename)
        if cut is None:
            raise _refusal(container, "what it makes of its modules' outputs is not known here")
        cut_down = cut(container, keys, result)
        kept = {id(module) for module in walk(cut_down)}
        for sibling in _before(container, child):
            for module in walk(sibling):
                if id(module) in seen and id(module) not in kept:
                    raise _refusal(container, f"{module.path} overwrites what the rest reads")
        result = cut_down
    return result


def _before(container: LuaModule, child: LuaModule) -> Iterator[LuaModule]:
    """Iterate over the children that run before ``child`` in this container."""
    order = [module for _, module in container.children()]
    if container.spec.typename == "nn.gModule":
        modules = container.fields["modules"]
        places = [node["module"] for node in container.fields["nodes"]]
        order = [modules[int(place) - 1] for place in places if place is not None]
    return takewhile(lambda module: module is not child, order)


def _refusal(module: LuaModule, reason: str) -> ConversionError:
    return ConversionError([Problem(module.typename, module.path, f"can't be cut: {reason}")])


def _steps(tree: LuaModule, path: str) -> list[tuple[LuaModule, Keys, LuaModule]]:
    """Return the way from the root: (container, keys below it, child) per step."""
    wanted = paths.parse(path)
    root = paths.parse(tree.path)
    if root and wanted[: len(root)] == root:
        wanted = wanted[len(root) :]
    steps: list[tuple[LuaModule, Keys, LuaModule]] = []
    current = tree
    while wanted:
        for keys, child in current.children():
            if wanted[: len(keys)] == keys:
                steps.append((current, keys, child))
                current, wanted = child, wanted[len(keys) :]
                break
        else:
            below = [paths.join("", *keys) for keys, _ in current.children()]
            where = f"{current.typename} at {current.path or 'the root'}"
            has = f"it holds {', '.join(below)}" if below else "it holds no modules"
            raise PathError(f"path {path!r}: {where} has no {paths.join('', *wanted)}; {has}")
    return steps


def _with(container: LuaModule, **fields: Any) -> LuaModule:
    return replace(container, fields={**container.fields, **fields}, raw=None)


def _sequential(container: LuaModule, keys: Keys, result: LuaModule) -> LuaModule:
    before = container.fields["modules"][: int(keys[1]) - 1]
    return _with(container, modules=[*before, result])


def _decorator(container: LuaModule, keys: Keys, result: LuaModule) -> LuaModule:
    return _with(container, **{keys[0]: [result] if len(keys) > 1 else result})


def _branch(container: LuaModule, keys: Keys, result: LuaModule, **fields: Any) -> LuaModule:
    spec = schema.by_name("t7convert.Branch")
    assert spec is not None
    name = str(int(keys[1]) - 1)
    return LuaModule(
        spec.typename,
        spec,
        container.path,
        fields={"module": result, "name": name, "entry": None, "dimension": None, **fields},
    )


def _entry(container: LuaModule, keys: Keys, result: LuaModule) -> LuaModule:
    return _branch(container, keys, result, entry=keys[1])


def _slice(container: LuaModule, keys: Keys, result: LuaModule) -> LuaModule:
    dimension = container.fields["inputDimension"]
    return _branch(container, keys, result, entry=keys[1], dimension=dimension)


def _graph(container: LuaModule, keys: Keys, result: LuaModule) -> LuaModule:
    """Make the module's node the output, and keep what feeds it (and the input)."""
    modules, nodes = container.fields["modules"], container.fields["nodes"]
    module = modules[int(keys[1]) - 1]
    places = [
        number
        for number, node in enumerate(nodes, start=1)
        if node["module"] is not None and modules[int(node["module"]) - 1] is module
    ]
    if len(places) != 1:
        names = ", ".join(nodes[place - 1]["name"] for place in places) or "no node"
        raise _refusal(container, f"{paths.join('', *keys)} stands at {names}, expected one node")
    start, end = int(container.fields["input"]), places[0]
    needed = {start, end}
    for number in range(end, 0, -1):
        if number in needed:
            needed.update(int(source) for source in nodes[number - 1]["inputs"])
    order = sorted(needed)
    position = {number: place for place, number in enumerate(order, start=1)}
    kept: list[LuaModule] = []
    rows = []
    for number in order:
        node = dict(nodes[number - 1])
        if node["module"] is not None:
            kept.append(result if number == end else modules[int(node["module"]) - 1])
            node["module"] = len(kept)
        node["inputs"] = [position[int(source)] for source in node["inputs"]]
        rows.append(node)
    return _with(
        container, modules=kept, nodes=rows, input=position[start], output_node=position[end]
    )


_CUTS: dict[str, Cut] = {
    "nn.Sequential": _sequential,
    **dict.fromkeys(("nn.ConcatTable", "nn.Concat", "nn.DepthConcat", "nn.ModelParallel"), _branch),
    **dict.fromkeys(("nn.ParallelTable", "nn.MapTable"), _entry),
    "nn.Parallel": _slice,
    **dict.fromkeys(
        (
            "nn.Decorator",
            "nn.NaN",
            "nn.Profile",
            "nn.GPU",
            "nn.DontCast",
            "nn.DataParallelTable",
            "nn.DataParallel",
            "t7convert.Branch",
        ),
        _decorator,
    ),
    "nn.gModule": _graph,
}
