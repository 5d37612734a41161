"""The module tree: what a file's objects mean, per the schema.

A :class:`LuaModule` holds the fields that have a meaning, in today's form (``upgrade``), defaults
filled in. Module objects inside are LuaModules again; the same Lua object is the same LuaModule.
Lists are Python lists, other tables dicts, tensors LuaTensors whose payload nobody has read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from t7convert import paths
from t7convert.errors import ConversionError, Problem
from t7convert.format.objects import LuaFunction, LuaObject, LuaTable, LuaTensor
from t7convert.lua import schema
from t7convert.lua.record import Record
from t7convert.lua.schema import REQUIRED, ClassSpec

#: Functions stored in an object override its class; with these the class's code isn't what ran.
OVERRIDES = ("updateOutput", "forward", "updateGradInput", "accGradParameters", "backward")
#: Fields that nn.Module itself gives every object.
COMMON = frozenset({"output", "gradInput", "train", "_type", "shared"})
#: How deep tables may nest inside one field before the tree gives up.
MAX_TABLE_DEPTH = 200


@dataclass(eq=False)
class LuaModule:
    """One module (or criterion) object of the file.

    Attributes:
        typename: the class name in the file.
        spec: its schema row; for a class the schema doesn't know, one derived from its fields.
        path: where it stands in the file (first place, if it stands in several).
        version: the class version in the file; None in files older than versions.
        fields: the fields with meaning, as the module docstring says.
        raw: the object as read; None in a tree that came from an architecture description.
        overridden: methods that the file overrides by functions of its own.
        missing: required constants that the file lacks.
        strange: unknown fields that hold modules.
        kind: the type of the module's tensors, as the file says; None if it doesn't.
        record: fields that the tree leaves out (t7convert.lua.record); None if nobody asked.
    """

    typename: str
    spec: ClassSpec
    path: str
    version: float | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    raw: LuaObject | None = None
    overridden: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()
    kind: str | None = None
    record: Record | None = None

    def __repr__(self) -> str:
        return f"<{self.typename} at {self.path or '<root>'}>"

    def children(self) -> Iterator[tuple[tuple[str | int, ...], LuaModule]]:
        """Iterate over the child modules as (keys below this module, child), in Lua's order."""
        for name in self.spec.children:
            yield from _modules_in(self.fields.get(name), (name,))

    def tensors(self, names: tuple[str, ...]) -> Iterator[tuple[str, LuaTensor]]:
        """Iterate over the named fields that hold a tensor with elements.

        A field that holds a list of tensors gives ``name[1]``, ``name[2]``...
        """
        for name in names:
            yield from _tensors_in(self.fields.get(name), name)


def _tensors_in(value: Any, name: str) -> Iterator[tuple[str, LuaTensor]]:
    if isinstance(value, LuaTensor):
        if value.size:
            yield name, value
    elif isinstance(value, list):
        for position, item in enumerate(value, start=1):
            yield from _tensors_in(item, f"{name}[{position}]")


def _modules_in(
    value: Any, keys: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], LuaModule]]:
    if isinstance(value, LuaModule):
        yield keys, value
    elif isinstance(value, list):
        for position, item in enumerate(value, start=1):
            yield from _modules_in(item, (*keys, position))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _modules_in(item, (*keys, key))


def walk(root: LuaModule) -> Iterator[LuaModule]:
    """Iterate over every distinct module from ``root`` on, in the order of Lua's ``parameters()``.

    Each comes at its first place, before what is inside it.
    """
    seen: set[int] = set()
    stack = [root]
    while stack:
        module = stack.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        yield module
        stack.extend(reversed([child for _, child in module.children() if id(child) not in seen]))


def fields_of(obj: LuaObject) -> LuaTable | None:
    """Return the table of fields of an object, None if it wrote no table."""
    return obj.payload if isinstance(obj.payload, LuaTable) else None


def tensor_type(fields: Mapping[str, Any]) -> str | None:
    """Return the type of a module's tensors: of ``_type``, in older files of its output."""
    if isinstance(fields.get("_type"), str):
        return str(fields["_type"])
    values = [fields.get(name) for name in ("output", "gradInput", "weight", "bias")]
    values += [item for value in values if isinstance(value, LuaTable) for item in value.values()]
    return next((value.typename for value in values if isinstance(value, LuaTensor)), None)


def is_module(value: object) -> bool:
    """Tell whether this object is a module or criterion: known, or looking like one."""
    if not isinstance(value, LuaObject):
        return False
    if schema.is_known(value.typename):
        return True
    fields = fields_of(value)
    if fields is None:
        return False
    looks = ("output" in fields and "gradInput" in fields) or "modules" in fields
    return looks or "_type" in fields


def derived_spec(typename: str, fields: Mapping[str, Any]) -> ClassSpec:
    """Return a row for a class the schema doesn't know, as far as its fields tell.

    ``weight`` and ``bias`` are taken for parameters, other tensors for statistics, unless their
    names say that they are buffers.
    """
    kept = {
        name: value
        for name, value in fields.items()
        if isinstance(name, str) and name not in COMMON and not name.startswith(("grad", "_"))
    }
    tensors = [name for name, value in kept.items() if isinstance(value, LuaTensor)]
    children = [name for name, value in kept.items() if _holds_module(value)]
    constants = [
        name
        for name, value in kept.items()
        if name not in tensors
        and name not in children
        and not isinstance(value, (LuaFunction, LuaObject))
    ]
    return ClassSpec(
        name=typename,
        typename=typename,
        source="unknown",
        parameters=tuple(name for name in ("weight", "bias") if name in tensors),
        statistics=tuple(name for name in tensors if name not in ("weight", "bias")),
        children=tuple(children),
        constants=dict.fromkeys(constants),
        buffers=(),
        derived=True,
    )


def build(root: LuaObject, path: str = "") -> LuaModule:
    """Return the module tree of ``root``, which stands at ``path`` of its file.

    Raises:
        ConversionError: if a field holds tables nested into themselves.
    """
    return Builder({}).build(root, path)


class Builder:
    """Makes module trees; objects that it has seen, or that ``known`` names, stay one module."""

    def __init__(self, known: dict[int, LuaModule]) -> None:
        self._memo = dict(known)
        self._queue: list[tuple[LuaModule, LuaObject]] = []

    def build(self, root: LuaObject, path: str) -> LuaModule:
        """Return the module of an object, its children made."""
        module = self._module(root, path)
        while self._queue:
            current, obj = self._queue.pop()
            self._fill(current, obj)
        return module

    def _module(self, obj: LuaObject, path: str) -> LuaModule:
        known = self._memo.get(id(obj))
        if known is None:
            table = fields_of(obj)
            fields: Mapping[str, Any] = {} if table is None else table
            spec = schema.find(obj.typename, fields) or derived_spec(obj.typename, fields)
            kind = tensor_type(fields)
            known = LuaModule(obj.typename, spec, path, obj.version, raw=obj, kind=kind)
            self._memo[id(obj)] = known
            self._queue.append((known, obj))
        return known

    def _fill(self, module: LuaModule, obj: LuaObject) -> None:
        table = fields_of(obj)
        raw: dict[str, Any] = {k: v for k, v in (table or {}).items() if isinstance(k, str)}
        spec = module.spec
        if spec.upgrade is not None:
            try:
                spec.upgrade(raw, module.version)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                reason = f"its fields can't be understood: {type(error).__name__}: {error}"
                problem = Problem(module.typename, module.path, reason)
                raise ConversionError([problem]) from error
        module.overridden = tuple(  # an upgrade drops the functions that nn itself wrote
            name
            for name in OVERRIDES
            if isinstance(raw.get(name), LuaFunction) and name not in spec.stores
        )
        known = (*spec.tensors, *spec.children, *spec.constants)
        ignored = {*known, *spec.buffers}
        module.strange = tuple(
            name for name, value in raw.items() if name not in ignored and _holds_module(value)
        )
        missing = []
        for name in known:
            value = raw.get(name)
            if value is None and name in spec.constants:
                value = spec.constants[name]
                if value is REQUIRED:
                    missing.append(name)
                    continue
            if value is not None:
                module.fields[name] = self._value(value, (name,), module, 0)
        module.missing = tuple(missing)

    def _value(self, value: Any, keys: tuple[object, ...], owner: LuaModule, depth: int) -> Any:
        if depth > MAX_TABLE_DEPTH:
            reason = f"tables nest more than {MAX_TABLE_DEPTH} deep"
            problem = Problem(owner.typename, paths.join(owner.path, keys[0]), reason)
            raise ConversionError([problem])
        if isinstance(value, LuaObject):
            return self._module(value, paths.join(owner.path, *keys)) if is_module(value) else value
        if isinstance(value, LuaTable):
            value = value.list() if value.is_list() else dict(value)
        if isinstance(value, list):
            return [
                self._value(item, (*keys, position), owner, depth + 1)
                for position, item in enumerate(value, start=1)
            ]
        if isinstance(value, dict):
            return {k: self._value(v, (*keys, k), owner, depth + 1) for k, v in value.items()}
        return value


def _holds_module(value: object) -> bool:
    if isinstance(value, LuaTable):
        return any(is_module(item) for item in value.values())
    return is_module(value)
