"""Where the models of a file are, and how a path leads to an object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from t7convert import paths
from t7convert.errors import PathError, SelectionError
from t7convert.format.objects import LuaObject, LuaTable
from t7convert.lua import schema
from t7convert.lua.tree import fields_of, is_module

#: Object classes that are no modules although they may look like them.
_SHOWN = 20


def models(root: Any) -> list[tuple[str, LuaObject]]:
    """Return the outermost modules of an object graph with their paths, criterions left out."""
    found: list[tuple[str, LuaObject]] = []
    seen: set[int] = set()
    stack: list[tuple[tuple[object, ...], Any]] = [((), root)]
    while stack:
        keys, value = stack.pop()
        if isinstance(value, (LuaTable, LuaObject)):
            if id(value) in seen:
                continue
            seen.add(id(value))
        if isinstance(value, LuaObject) and is_module(value):
            if not _is_criterion(value):
                found.append((paths.join("", *keys), value))
            continue
        table = fields_of(value) if isinstance(value, LuaObject) else value
        if isinstance(table, LuaTable):
            stack.extend(((*keys, key), table[key]) for key in reversed(list(table)))
    return found


def _is_criterion(value: LuaObject) -> bool:
    spec = schema.find(value.typename, fields_of(value) or {})
    if spec is not None:
        return spec.kind == "criterion"
    return value.typename.endswith("Criterion")


def follow(root: Any, path: str) -> Any:
    """Return the object at ``path``.

    Raises:
        PathError: if the path leads nowhere; the message says where it ends and what is there.
    """
    value = root
    done: list[Any] = []
    for spelling in paths.parse(path):
        table = fields_of(value) if isinstance(value, LuaObject) else value
        key = _meant(table, spelling)
        if not isinstance(table, LuaTable) or key not in table:
            here = paths.join("", *done) or "the root"
            raise PathError(f"path {path!r}: {here} has no {spelling!r}; {_contents(table)}")
        value = table[key]
        done.append(key)
    return value


def _meant(table: Any, key: paths.Key) -> Any:
    """Return the key of ``table`` that ``key`` of a path means."""
    if isinstance(key, paths.Unspelled) and isinstance(table, LuaTable):
        fitting = [each for each in table if type(each).__name__ == key.kind]
        if len(fitting) == 1:
            return fitting[0]
    return key


def _contents(table: Any) -> str:
    if not isinstance(table, LuaTable):
        return f"it is {table!r}"
    names = [paths.step(key).lstrip(".") for key in table]
    shown = ", ".join(names[:_SHOWN])
    return f"it has {shown}" + (", ..." if len(names) > _SHOWN else "")


def model(root: Any, select: str | None = None) -> tuple[str, LuaObject]:
    """Return the path and object of the file's model, or of the one ``select`` names.

    Raises:
        SelectionError: if there is no model, or several and no choice; the message lists them.
        PathError: if ``select`` leads nowhere.
    """
    if select is not None:
        chosen = follow(root, select)
        if isinstance(chosen, LuaObject) and is_module(chosen):
            return paths.join("", *paths.parse(select)), chosen
        inner = models(chosen)
        if len(inner) == 1:
            below, found = inner[0]
            return paths.join("", *paths.parse(select), *paths.parse(below)), found
        raise SelectionError(f"there is no module at {select!r} but {chosen!r}")
    found_all = models(root)
    if len(found_all) == 1:
        return found_all[0]
    if not found_all:
        raise SelectionError(
            f"there is no network in this file; its root is {root!r} "
            "(`t7convert extract` writes data, `inspect` shows what there is)"
        )
    rows = "\n".join(f"  {path or '<root>'}: {obj.typename}" for path, obj in found_all[:_SHOWN])
    more = f"\n  ... and {len(found_all) - _SHOWN} more" if len(found_all) > _SHOWN else ""
    raise SelectionError(
        f"there are {len(found_all)} networks in this file; choose one with --select PATH "
        f"(select=...):\n{rows}{more}"
    )


def model_like(root: Any, place: str) -> tuple[str, LuaObject]:
    """Return the model at the place that it had in another file, or else the only one.

    Raises:
        SelectionError: if there is no model, or several.
    """
    try:
        return model(root, place or None)
    except (PathError, SelectionError):
        return model(root, None)


def beside(root: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Iterate over the values that stand beside the model at ``path`` (mean, std, epoch...)."""
    keys = paths.parse(path)
    table = root
    for depth, key in enumerate(keys):
        fields = fields_of(table) if isinstance(table, LuaObject) else table
        if isinstance(fields, LuaTable) and not is_module(table):
            taken = _meant(fields, key)
            for name in fields:
                if name != taken or isinstance(name, bool) != isinstance(taken, bool):
                    yield paths.join("", *keys[:depth], name), fields[name]
            table = fields.get(taken)
