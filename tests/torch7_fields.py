"""Writes t7convert/export/torch7/fields.json: what Torch7 itself writes for each class.

``python -m tests.torch7_fields`` reads the golden files and writes the table; a test compares them.
Per class: its version; ``own``, the fields with a meaning, ``optional`` those that only some
objects have, ``storages`` those that are LongStorages; ``fill``, every other field of an object
before its first pass, with the value it has then.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from t7convert.export.torch7.fields import TABLE
from t7convert.export.torch7.rules import rule_for
from t7convert.format import load
from t7convert.format.objects import LuaFunction, LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.lua import schema
from t7convert.lua.schema import ClassSpec
from tests.conftest import FIXTURES

#: Set by the writer for every object.
COMMON = ("train", "_type", "shared")
Fields = dict[str, Any]


def objects(root: Any) -> Iterator[LuaObject]:
    """Iterate over the distinct objects below ``root``."""
    stack, seen = [root], dict[int, Any]()
    while stack:
        value = stack.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        if isinstance(value, LuaObject):
            yield value
            stack.append(value.payload)
        elif isinstance(value, LuaTable):
            stack.extend(value.values())


def collect(folder: Path) -> dict[str, list[tuple[ClassSpec, LuaObject]]]:
    """Return the module objects of golden files, by class; of cases only the modules."""
    found: dict[str, list[tuple[ClassSpec, LuaObject]]] = defaultdict(list)
    for path in sorted(folder.rglob("*.t7*")):
        if path.name.startswith("io.") or "notcleared" in str(path):
            continue  # activations: nothing that a fresh object has
        root = load(path)
        cases = root.get("cases") if isinstance(root, LuaTable) else None
        roots = [root] if cases is None else [case["module"] for case in cases.values()]
        for each in roots:
            for obj in objects(each):
                spec = schema.find(obj.typename, obj.fields) if _plain(obj) else None
                if spec is not None:
                    found[spec.name].append((spec, obj))
    return found


def _plain(obj: LuaObject) -> bool:
    return isinstance(obj.payload, LuaTable)


def describe(spec: ClassSpec, name: str, instances: list[LuaObject]) -> Any:
    """Return how the writer makes a field, from the values it has in fresh objects."""
    values = [obj[name] for obj in instances if name in obj.fields]
    first = values[0]
    if rule_for(spec.typename, name) is not None:
        return {"rule": True}
    if name in ("output", "gradInput") and any(isinstance(v, LuaTensor) for v in values):
        return {"tensor": []}
    if len({type(value) for value in values}) > 1:
        return {"unknown": True}
    if name.startswith("grad") and _gradient(spec, name):
        return {"gradient": _gradient(spec, name)}
    if isinstance(first, LuaTensor):
        return _tensor(values)
    if isinstance(first, LuaStorage):
        sizes = {value.size for value in values}
        same = len(sizes) == 1 and not any(np.any(value.numpy()) for value in values)
        return {"storage": first.typename, "size": first.size} if same else {"unknown": True}
    if isinstance(first, LuaTable):
        return {"table": True} if all(len(value) == 0 for value in values) else _list(values)
    if isinstance(first, LuaObject):
        return {"object": first.typename}
    if isinstance(first, LuaFunction) or any(value != first for value in values):
        return {"unknown": True}
    return {"value": first}


def _list(values: list[LuaTable]) -> Any:
    lists: list[list[Any]] = [v.list() if v.is_list() else [None] for v in values]
    counts = {len(items) for items in lists}
    tensors = all(isinstance(item, LuaTensor) for items in lists for item in items)
    if tensors and len(counts) == 1:
        sizes = {tuple(item.size for item in items) for items in lists}
        return {"tensors": sizes.pop()} if len(sizes) == 1 else {"unknown": True}
    same = all(items == lists[0] and all(isinstance(i, str) for i in items) for items in lists)
    return {"words": lists[0]} if same else {"unknown": True}


def _tensor(values: list[LuaTensor]) -> Any:
    if not all(isinstance(value, LuaTensor) for value in values):
        return {"unknown": True}
    kind = values[0].typename
    own = {} if kind in ("torch.DoubleTensor", "torch.FloatTensor") else {"type": kind}
    if all(value.size == () for value in values):
        return {"tensor": [], **own}
    size = values[0].size
    numbers = {float(n) for value in values for n in np.asarray(value.numpy()).reshape(-1)}
    if any(value.size != size for value in values) or len(numbers) != 1:
        return {"unknown": True}
    return {"tensor": list(size), "value": numbers.pop(), **own}


def _gradient(spec: ClassSpec, name: str) -> str | None:
    """Return the parameter that a gradient belongs to."""
    for parameter in spec.parameters:
        if name == _slope(parameter):
            return parameter
    return None


def _slope(parameter: str) -> str:
    return "grad" + parameter[0].upper() + parameter[1:]


def entry(
    spec: ClassSpec, fresh: list[LuaObject], later: list[LuaObject], twins: list[LuaObject]
) -> dict[str, Any]:
    """Return the table's entry of a class.

    ``fresh`` objects have not run yet, ``later`` ones have; ``twins`` tell only which parameters
    there may be.
    """
    everywhere = [*fresh, *later, *twins]
    names = {str(name) for obj in (*fresh, *later) for name in obj.fields}
    parameters = {*spec.parameters, *(_slope(name) for name in spec.parameters)}
    names |= {str(name) for obj in twins for name in obj.fields if name in parameters}
    known = {*spec.tensors, *spec.children, *spec.constants}
    own = sorted(names & known)
    fill: dict[str, Any] = {}
    for name in sorted(names - known - set(COMMON)):
        groups = [group for group in (fresh, later) if group]
        always = any(all(name in obj.fields for obj in group) for group in groups)
        gradient = name.startswith("grad") and _gradient(spec, name)
        if always or gradient:
            source = next(g for g in (fresh, later, twins) if any(name in o.fields for o in g))
            made = describe(spec, name, source)
            if source is later and set(made) == {"unknown"}:
                made = _cleared(later, name)
            fill[name] = made
    common = [n for n in ("_type", "train") if any(n in obj.fields for obj in everywhere)]
    return {
        "common": common,
        "version": max(obj.version or 0 for obj in everywhere),
        "own": own,
        "optional": [n for n in own if any(n not in obj.fields for obj in everywhere)],
        "storages": [n for n in own if isinstance(fresh[0].get(n), LuaStorage)],
        "fill": fill,
    }


def _cleared(later: list[LuaObject], name: str) -> Any:
    """Return what clearState leaves of a field: what most of the saved objects hold."""
    for obj in later:
        value = obj[name]
        if isinstance(value, LuaTensor) and value.size == ():
            return _tensor([value])
        if isinstance(value, LuaTable) and not len(value):
            return {"table": True}
    return {"unknown": True}


def table() -> dict[str, Any]:
    """Return the whole table, by class."""
    layers, nets = collect(FIXTURES / "layers"), collect(FIXTURES / "nets")
    packages = collect(FIXTURES / "community")
    found = {}
    for name in sorted({*layers, *nets, *packages}):
        run = [obj for _, obj in nets.get(name, [])]
        first = [obj for _, obj in layers.get(name, []) or packages.get(name, [])]
        spec = next(iter(nets.get(name) or layers.get(name) or packages[name]))[0]
        if name not in layers and name not in nets and spec.upgrade is not None:
            continue  # its fields in the tree are not those of the file
        twins: list[LuaObject] = []
        if name.startswith("cudnn.") and run:  # cudnn's own Lua wrote the networks
            first, twins = run, first
        found[name] = entry(spec, first or run, run, twins)
        if name not in layers and name not in nets:
            _doubt(found[name]["fill"])
    return found


def _doubt(fill: dict[str, Any]) -> None:
    """Drop values that a package's four examples have in common by chance, perhaps."""
    for name, how in fill.items():
        number = how.get("value", 0)
        chance = name != "output" and not isinstance(number, bool) and number != 0
        if chance or how.get("tensor", []) not in ([], [1]):
            fill[name] = {"unknown": True}


def text() -> str:
    """Return the file's text: one line per class."""
    lines = [f"{json.dumps(k)}: {json.dumps(v, sort_keys=True)}" for k, v in table().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> int:
    """Write the table."""
    TABLE.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
