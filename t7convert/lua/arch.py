"""The architecture as data: a module tree without its tensors' values, as a flat list for JSON.

Parameters and statistics become geometry (type, size, stride, place in a numbered storage), so that
ties are kept; constants keep their values. Reading the list back gives a tree that the converters
take like the original. Modules that only records name (t7convert.lua.record) follow those of the
tree.
"""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import numpy as np

from t7convert.errors import CheckpointError
from t7convert.format.objects import (
    Array,
    ArrayPayload,
    LuaFunction,
    LuaObject,
    LuaStorage,
    LuaTensor,
)
from t7convert.lua import arch_record, schema
from t7convert.lua.record import tensors_of
from t7convert.lua.remembering import every_module
from t7convert.lua.schema import ClassSpec
from t7convert.lua.state import State, state_of
from t7convert.lua.tree import LuaModule

Node = dict[str, Any]


class ShapeOnly:
    """The payload of a storage that is known by its size alone."""

    def read(self, start: int, stop: int) -> Array:
        raise CheckpointError("an architecture description holds no values of this tensor")

    copy = read


def encode(root: LuaModule, state: State | None = None) -> list[Node]:
    """Return the tree as a flat list of nodes; the first one is the root.

    Parameters and statistics outside of ``state``, of which nobody else keeps the values, are
    described with them. None: all are within.
    """
    return _Encoder(root, state).nodes


def decode(nodes: list[Node]) -> LuaModule:
    """Return the tree that :func:`encode` described.

    Raises:
        CheckpointError: if the list is not one that ``encode`` wrote.
    """
    try:
        return _Decoder(nodes).root
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CheckpointError(f"the architecture can't be understood: {error!r}") from error


class _Encoder:
    def __init__(self, root: LuaModule, state: State | None) -> None:
        modules = every_module(root)
        self._state = state or state_of(modules)
        self._repeated = _repeated(modules)
        self._numbers = {id(module): number for number, module in enumerate(modules)}
        self._storages: dict[int, int] = {}
        self._kind = root.kind
        self._records = arch_record.Encoder(
            self._state,
            lambda module: self._numbers[id(module)],
            lambda tensor: self._tensor(tensor, values=False),
        )
        self.nodes = [self._node(module) for module in modules]

    def _node(self, module: LuaModule) -> Node:
        spec = module.spec
        node: Node = {"class": module.typename, "path": module.path, "version": module.version}
        if spec.derived:
            node["derived"] = {
                "parameters": list(spec.parameters),
                "statistics": list(spec.statistics),
                "children": list(spec.children),
            }
        elif spec.name != spec.typename:
            node["row"] = spec.name
        if module.overridden:
            node["overridden"] = list(module.overridden)
        node["fields"] = {
            name: self._value(value, values=name not in spec.tensors)
            for name, value in module.fields.items()
        }
        if module.kind is not None and (not self._numbers[id(module)] or module.kind != self._kind):
            node["type"] = module.kind
        if module.record is not None:
            node["record"] = self._records.record(module.record)
        return node

    def _value(self, value: Any, *, values: bool) -> Any:
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, float):
            return value if np.isfinite(value) else {"float": repr(value)}
        if isinstance(value, list):
            return [self._value(item, values=values) for item in value]
        if isinstance(value, dict):
            pairs = [
                [self._value(k, values=True), self._value(v, values=values)]
                for k, v in value.items()
            ]
            return {"table": pairs}
        if isinstance(value, LuaModule):
            return {"module": self._numbers[id(value)]}
        if isinstance(value, LuaTensor):
            return self._tensor(value, values=values)
        if isinstance(value, LuaStorage):
            data = base64.b64encode(_little(value.numpy())).decode()
            return {"storage": value.typename, "data": data}
        if isinstance(value, LuaFunction):
            return {"function": len(value.bytecode)}
        if isinstance(value, LuaObject):
            return {"object": value.typename}
        raise TypeError(f"{value!r} can't be part of an architecture")

    def _tensor(self, tensor: LuaTensor, *, values: bool) -> Node:
        node: Node = {"tensor": tensor.typename, "size": list(tensor.size)}
        if values or tensor.storage is None or not self._state.holds(tensor):
            return {**node, "data": base64.b64encode(_little(tensor.numpy())).decode()}
        number = self._storages.setdefault(id(tensor.storage), len(self._storages))
        place = {"stride": list(tensor.stride), "offset": tensor.offset, "storage": number}
        node |= {**place, "length": tensor.storage.size}
        same = self._repeated.get(id(tensor))
        return node if same is None else {**node, "one": same}


def _repeated(modules: list[LuaModule]) -> dict[int, int]:
    """Return a number for each tensor object that stands at several places, by id."""
    counts = Counter(
        id(tensor)
        for module in modules
        for tensor in (
            *(tensor for _, tensor in module.tensors(module.spec.tensors)),
            *(tensors_of(module.record) if module.record is not None else ()),
        )
    )
    several = (key for key, count in counts.items() if count > 1)
    return {key: number for number, key in enumerate(several)}


def _little(array: Array) -> bytes:
    return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()


class _Decoder:
    def __init__(self, nodes: list[Node]) -> None:
        self._storages: dict[int, LuaStorage] = {}
        self._repeated: dict[int, LuaTensor] = {}
        self._modules = [
            LuaModule(str(node["class"]), _spec(node), str(node["path"]), node["version"])
            for node in nodes
        ]
        for module, node in zip(self._modules, nodes, strict=True):
            module.overridden = tuple(node.get("overridden", ()))
            for name, value in node["fields"].items():
                module.fields[name] = self._value(value)
        records = arch_record.Decoder(self._modules, self._tensor)
        for module, node in zip(self._modules, nodes, strict=True):
            module.kind = node.get("type", nodes[0].get("type"))
            if "record" in node:
                module.record = records.record(node["record"])
        self.root = self._modules[0]

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "float" in value:
            return float(value["float"])
        if "table" in value:
            return {self._value(k): self._value(v) for k, v in value["table"]}
        if "module" in value:
            return self._modules[value["module"]]
        if "function" in value:
            return LuaFunction(b"")
        if "object" in value:
            return LuaObject(value["object"])
        if "tensor" in value:
            return self._tensor(value)
        data = self._array(value["storage"], value["data"])
        return LuaStorage(value["storage"], data.size, ArrayPayload(data))

    def _array(self, typename: str, data: str) -> Array:
        from_file = LuaStorage(typename, 0, ShapeOnly()).dtype.newbyteorder("<")
        array = np.frombuffer(base64.b64decode(data), from_file)
        return array.astype(array.dtype.newbyteorder("="))

    def _tensor(self, value: Node) -> LuaTensor:
        typename, size = value["tensor"], tuple(value["size"])
        storage_type = typename.removesuffix("Tensor") + "Storage"
        if "data" in value:
            data = self._array(storage_type, value["data"])
            strides, step = [], 1
            for n in reversed(size):
                strides.append(step)
                step *= n
            storage = LuaStorage(storage_type, data.size, ArrayPayload(data)) if size else None
            return LuaTensor(typename, size, tuple(reversed(strides)), 0, storage)
        number = value["storage"]
        if number not in self._storages:
            self._storages[number] = LuaStorage(storage_type, value["length"], ShapeOnly())
        stride, offset = tuple(value["stride"]), value["offset"]
        made = LuaTensor(typename, size, stride, offset, self._storages[number])
        return self._repeated.setdefault(value["one"], made) if "one" in value else made


def _spec(node: Node) -> ClassSpec:
    derived = node.get("derived")
    if derived is None:
        spec = schema.by_name(str(node.get("row", node["class"])))
        if spec is not None:
            return spec
        derived = {}
    return ClassSpec(
        name=node["class"],
        typename=node["class"],
        source="unknown",
        parameters=tuple(derived.get("parameters", ())),
        statistics=tuple(derived.get("statistics", ())),
        children=tuple(derived.get("children", ())),
        derived=True,
    )
