"""Writes t7convert/export/torch7_fields.json: what Torch7 itself writes for each class.

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

from t7convert.export.torch7_rules import rule_for
from t7convert.format import load
from t7convert.format.objects import LuaFunction, LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.lua import schema
from t7convert.lua.schema import ClassSpec
from tests.conftest import FIXTURES, ROOT

TARGET = ROOT / "t7convert" / "export" / "torch7_fields.json"
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
                    found[obj.typename].append((spec, obj))
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
    if name.startswith("grad") and name != "gradInput" and _gradient(spec, name, instances):
        return {"gradient": _gradient(spec, name, instances)}
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
    lists = [value.list() if value.is_list() else [None] for value in values]
    counts = {len(items) for items in lists}
    tensors = all(isinstance(i, LuaTensor) and i.size == () for items in lists for i in items)
    if tensors and len(counts) == 1:
        return {"tensors": counts.pop()}
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


def _gradient(spec: ClassSpec, name: str, instances: list[LuaObject]) -> str | None:
    """Return the parameter that a gradient belongs to."""
    for parameter in spec.parameters:
        if name == "grad" + parameter[0].upper() + parameter[1:]:
            return parameter
    return None


def entry(instances: list[tuple[ClassSpec, LuaObject]], later: list[LuaObject]) -> dict[str, Any]:
    """Return the table's entry of a class: ``instances`` are fresh, ``later`` have run."""
    spec = instances[0][0]
    fresh = [obj for _, obj in instances]
    names = {str(name) for obj in (*fresh, *later) for name in obj.fields}
    known = {*spec.tensors, *spec.children, *spec.constants}
    own = sorted(names & known)
    everywhere = [*fresh, *later]
    fill: dict[str, Any] = {}
    for name in sorted(names - known - set(COMMON)):
        groups = [group for group in (fresh, later) if group]
        always = any(all(name in obj.fields for obj in group) for group in groups)
        gradient = name.startswith("grad") and _gradient(spec, name, fresh)
        if always or gradient:
            source = fresh if any(name in obj.fields for obj in fresh) else later
            made = describe(spec, name, source)
            if source is later and set(made) == {"unknown"}:
                made = _cleared(later, name)
            fill[name] = made
    return {
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
    found = {}
    for typename in sorted({*layers, *nets}):
        run = nets.get(typename, [])
        first = layers.get(typename, [])
        if typename.startswith("cudnn.") and run:
            first = []  # cudnn's own Lua wrote the networks
        fresh = first or run
        found[typename] = entry(fresh, [obj for _, obj in run])
    return found


def text() -> str:
    """Return the file's text: one line per class."""
    lines = [f"{json.dumps(k)}: {json.dumps(v, sort_keys=True)}" for k, v in table().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> int:
    """Write the table."""
    TARGET.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
