"""Parts of a .t7 file that are no network: tensors, tables, vocabularies, optimiser states."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from t7convert.errors import OutputError
from t7convert.files import replacing
from t7convert.format import save
from t7convert.format.objects import LuaFunction, LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.format.plain_values import array_of, tensors_of, to_json

#: What :func:`write_data` writes, by suffix.
SUFFIXES = (".npz", ".npy", ".json", ".pt", ".t7")


def write_data(value: Any, target: Path, *, force: bool = False) -> None:
    """Write an object graph: all tensors (.npz), one tensor (.npy), the rest (.json), both (.pt).

    ``.npz`` names tensors by their paths; the root itself is ``value``. ``.pt`` holds dicts, lists,
    tensors and plain values, and loads with ``weights_only=True``. ``.t7`` writes the graph anew.

    Raises:
        OutputError: if the suffix is another, the target exists, or the value has no such form.
    """
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise OutputError(f"{target}: unknown kind of output {suffix!r}; data can become {known}")
    if suffix == ".t7":
        save(value, target, force=force)
        return
    with replacing(target, force=force) as beside:
        if suffix == ".npz":
            _write_npz(value, beside)
        elif suffix == ".npy":
            if not isinstance(value, (LuaTensor, LuaStorage)):
                raise OutputError(f"{target}: .npy holds one tensor, and this is {value!r}")
            np.save(beside, array_of(value))
        elif suffix == ".json":
            text = json.dumps(to_json(value), indent=1, ensure_ascii=False)
            beside.write_text(text + "\n", encoding="utf-8")
        else:
            import torch  # noqa: PLC0415  the other kinds don't need it

            torch.save(to_python(value), beside)


def _write_npz(value: Any, target: Path) -> None:
    """Write one tensor after another, so that memory holds one at a time."""
    found = tensors_of(value)
    if not found:
        raise OutputError("there is no tensor to write to .npz; .json takes everything else")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for path, tensor in found.items():
            with archive.open(f"{path or 'value'}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array_of(tensor), allow_pickle=False)


def to_python(value: Any) -> Any:
    """Return an object graph as dicts, lists, torch tensors and plain values; ties are kept.

    Raises:
        OutputError: if a table contains itself, a key has no plain form, or there is a function.
    """
    return _Python().of(value, 0)


class _Python:
    _DEEPEST = 200

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}
        self._open: set[int] = set()

    def of(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, LuaFunction) or depth > self._DEEPEST or id(value) in self._open:
            raise OutputError(
                f"{value!r}: has no plain form for .pt (a function, or it contains itself)"
            )
        if id(value) not in self._made:
            self._open.add(id(value))
            self._made[id(value)] = self._new(value, depth + 1)
            self._open.discard(id(value))
        return self._made[id(value)]

    def _new(self, value: Any, depth: int) -> Any:
        import torch  # noqa: PLC0415

        if isinstance(value, (LuaTensor, LuaStorage)):
            return torch.from_numpy(array_of(value))
        if isinstance(value, LuaObject):
            return {"class": value.typename, "fields": self.of(value.payload, depth)}
        assert isinstance(value, LuaTable)
        if len(value) and value.is_list():
            return [self.of(item, depth) for item in value.list()]
        if not all(isinstance(key, (str, int, float)) for key in value):
            raise OutputError(f"{value!r}: has keys that are no strings and no numbers")
        return {key: self.of(item, depth) for key, item in value.items()}
