"""Parts of a .t7 file that are no network: tensors, tables, vocabularies, optimiser states."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from t7convert import paths
from t7convert.errors import OutputError, OutputKindError
from t7convert.files import check_output, replace_text, replacing
from t7convert.format import save
from t7convert.format.objects import LuaFunction, LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.format.plain_values import array_of, tensors_of, to_json

#: What :func:`write_data` writes.
KINDS = ("npz", "npy", "json", "pt", "t7")


def write_data(
    value: Any,
    target: str | os.PathLike[str],
    *,
    kind: str | None = None,
    force: bool = False,
) -> None:
    """Write an object graph: all tensors (npz), one tensor (npy), the rest (json), both (pt).

    ``npz`` names tensors by their paths; the root itself is ``value``. ``pt`` holds dicts, lists,
    tensors and plain values, and loads with ``weights_only=True``. ``t7`` writes the graph anew.
    Without ``kind`` the suffix says it.

    Raises:
        OutputKindError: if the kind is another.
        OutputError: if the target exists, or the value has no such form.
    """
    target = Path(target)
    kind = target.suffix.lower().lstrip(".") if kind is None else kind
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise OutputKindError(f"{target}: unknown kind of output {kind!r}; data can become {known}")
    check_output(target, force=force)
    if kind == "t7":
        save(value, target, force=force)
    elif kind == "npz":
        _write_npz(value, target, force)
    elif kind == "npy":
        if not isinstance(value, (LuaTensor, LuaStorage)):
            raise OutputError(f"{target}: .npy holds one tensor, and this is {value!r}")
        with replacing(target, force=force) as beside, beside.open("wb") as file:
            np.save(file, array_of(value))
    elif kind == "json":
        text = json.dumps(to_json(value), indent=1, ensure_ascii=False)
        replace_text(target, text + "\n", force=force)
    else:
        from t7convert.export.saving import save_torch  # noqa: PLC0415  others don't need torch

        try:
            plain = to_python(value)
        except OutputError as error:
            raise OutputError(f"{target}: {error}") from error
        save_torch(plain, target, force=force)


def _write_npz(value: Any, target: Path, force: bool) -> None:
    """Write one tensor after another, so that memory holds one at a time."""
    found = tensors_of(value)
    if not found:
        raise OutputError(f"{target}: there is no tensor to write; .json takes everything else")
    with (
        replacing(target, force=force) as beside,
        zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED, allowZip64=True) as archive,
    ):
        for path, tensor in found.items():
            with archive.open(f"{path or 'value'}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array_of(tensor), allow_pickle=False)


def to_python(value: Any) -> Any:
    """Return an object graph as dicts, lists, torch tensors and plain values; ties are kept.

    Raises:
        OutputError: if a table contains itself, a key has no plain form, or there is a function.
    """
    return _Python().of(value, ())


class _Python:
    _DEEPEST = 200

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}
        self._open: set[int] = set()

    def of(self, value: Any, keys: tuple[Any, ...]) -> Any:
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, LuaFunction):
            raise self._refused(value, keys, "a function")
        if id(value) in self._open:
            raise self._refused(value, keys, "it contains itself")
        if len(keys) > self._DEEPEST:
            raise self._refused(value, keys, "it nests too deep")
        if id(value) not in self._made:
            self._open.add(id(value))
            self._made[id(value)] = self._new(value, keys)
            self._open.discard(id(value))
        return self._made[id(value)]

    def _new(self, value: Any, keys: tuple[Any, ...]) -> Any:
        import torch  # noqa: PLC0415  .npz and .json of data need none

        if isinstance(value, (LuaTensor, LuaStorage)):
            return torch.from_numpy(array_of(value))
        if isinstance(value, LuaObject):
            return {"class": value.typename, "fields": self.of(value.payload, keys)}
        assert isinstance(value, LuaTable)
        if len(value) and value.is_list():
            items = enumerate(value.list(), start=1)
            return [self.of(item, (*keys, position)) for position, item in items]
        if not all(isinstance(key, (str, int, float)) for key in value):
            raise self._refused(value, keys, "its keys are not only strings and numbers")
        return {key: self.of(item, (*keys, key)) for key, item in value.items()}

    @staticmethod
    def _refused(value: Any, keys: tuple[Any, ...], reason: str) -> OutputError:
        place = paths.join("", *keys) or "the root"
        return OutputError(f"{place}: {value!r} has no plain form for .pt: {reason}")
