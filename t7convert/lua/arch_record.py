"""Records of Lua objects (:mod:`t7convert.lua.record`) as data, for an architecture description.

Tables, objects, functions and tensors have numbers: what stands at several places stays one.
Parameters and statistics are geometry, as in the tree; other tensors have their values.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from t7convert.format.objects import (
    Array,
    ArrayPayload,
    LuaFunction,
    LuaObject,
    LuaStorage,
    LuaTable,
    LuaTensor,
)
from t7convert.lua.record import GradientOf, Record
from t7convert.lua.remembering import MAX_ELEMENTS
from t7convert.lua.sharing import Geometry
from t7convert.lua.state import State
from t7convert.lua.tree import LuaModule

Node = dict[str, Any]


class Encoder:
    """Turns records into data.

    Args:
        number: gives the number of a module.
        place: gives the data of a tensor that is geometry.
    """

    def __init__(
        self,
        state: State,
        number: Callable[[LuaModule], int],
        place: Callable[[LuaTensor], Node],
    ) -> None:
        self._state, self._number, self._place = state, number, place
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []

    def record(self, record: Record) -> Node:
        """Return a record as data."""
        node: Node = {"whole": record.whole, "fields": self._pairs(record.fields)}
        if record.header:
            node["header"] = [self._value(value) for value in record.header]
        return node

    def _pairs(self, table: Any) -> list[list[Any]]:
        return [[self._value(key), self._value(value)] for key, value in table.items()]

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, float):
            return value if np.isfinite(value) else {"float": repr(value)}
        if isinstance(value, LuaModule):
            return {"module": self._number(value)}
        if isinstance(value, GradientOf):
            return {"gradient": self._place(value.parameter)}
        if isinstance(value, LuaTensor) and self._state.holds(value):
            return self._place(value)
        known = self._seen.get(id(value))
        if known is not None:
            return {"same": known}
        self._kept.append(value)
        number = self._seen[id(value)] = len(self._seen)
        return {"new": number, **self._content(value)}

    def _content(self, value: Any) -> Node:
        if isinstance(value, LuaTensor):
            return self._tensor(value)
        if isinstance(value, LuaStorage):
            return {"storage": value.typename, "data": _text(np.asarray(value.numpy()))}
        if isinstance(value, LuaTable):
            return {"table": self._pairs(value)}
        if isinstance(value, LuaFunction):
            code = base64.b64encode(value.bytecode).decode()
            return {"function": code, "tag": value.tag, "upvalues": self._value(value.upvalues)}
        if isinstance(value, LuaObject):
            header = [self._value(item) for item in value.header]
            payload = self._value(value.payload)
            node = {"object": value.typename, "version": value.version, "payload": payload}
            return {**node, "header": header} if header else node
        raise TypeError(f"{value!r} can't be part of an architecture")

    def _tensor(self, tensor: LuaTensor) -> Node:
        node: Node = {"tensor": tensor.typename, "size": list(tensor.size)}
        storage = tensor.storage
        if storage is None:
            return node
        if storage.size > MAX_ELEMENTS:  # what else lies on it is not kept with it
            values = np.ascontiguousarray(tensor.numpy())
            stride = [int(step) // values.itemsize for step in values.strides]
            own = {"new": None, "storage": storage.typename, "data": _text(values)}
            return {**node, "stride": stride, "offset": 0, "on": own}
        place = {"stride": list(tensor.stride), "offset": tensor.offset}
        return {**node, **place, "on": self._value(storage)}


class Decoder:
    """Turns the data of records back."""

    def __init__(self, modules: list[LuaModule], place: Callable[[Node], LuaTensor]) -> None:
        self._modules, self._place = modules, place
        self._seen: dict[int, Any] = {}

    def record(self, node: Node) -> Record:
        """Return the record that :meth:`Encoder.record` described."""
        # in the order of Encoder.record: what comes first is what the other refers to
        fields = {self._value(key): self._value(value) for key, value in node["fields"]}
        header = tuple(self._value(value) for value in node.get("header", ()))
        return Record(bool(node["whole"]), fields, header)

    def _value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if "float" in value:
            return float(value["float"])
        if "module" in value:
            return self._modules[value["module"]]
        if "gradient" in value:
            return GradientOf(self._place(value["gradient"]))
        if "same" in value:
            return self._seen[value["same"]]
        if "new" not in value:
            return self._place(value)
        return self._content(value, value["new"])

    def _content(self, value: Node, number: int | None) -> Any:
        made: Any
        if "tensor" in value:
            made = self._tensor(value)
        elif "storage" in value:
            data = array(value["storage"], value["data"])
            made = LuaStorage(value["storage"], data.size, ArrayPayload(data))
        elif "table" in value:
            made = self._keep(number, LuaTable())
            for key, item in value["table"]:
                made[self._value(key)] = self._value(item)
        elif "function" in value:
            code = base64.b64decode(value["function"])
            made = self._keep(number, LuaFunction(code, tag=value["tag"]))
            made.upvalues = self._value(value["upvalues"])
        else:
            made = self._keep(number, LuaObject(value["object"], version=value["version"]))
            made.header = tuple(self._value(item) for item in value.get("header", ()))
            made.payload = self._value(value["payload"])
        return self._keep(number, made)

    def _keep(self, number: int | None, made: Any) -> Any:
        if number is not None:
            self._seen[number] = made
        return made

    def _tensor(self, value: Node) -> LuaTensor:
        size = tuple(value["size"])
        if "on" not in value:
            return LuaTensor(value["tensor"], size, (0,) * len(size), 0, None)
        storage: LuaStorage = self._value(value["on"])
        tensor = LuaTensor(
            value["tensor"], size, tuple(value["stride"]), int(value["offset"]), storage
        )
        if Geometry.of(tensor).stop > storage.size:
            raise ValueError(f"a tensor of size {size} does not fit in its storage")
        return tensor


def _text(values: Array) -> str:
    little = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode()


def array(typename: str, data: str) -> Array:
    """Return the elements of a storage of this type from base64 text."""
    from_file = LuaStorage(typename, 0, ArrayPayload(np.zeros(0))).dtype.newbyteorder("<")
    values = np.frombuffer(base64.b64decode(data), from_file)
    return values.astype(values.dtype.newbyteorder("="))
