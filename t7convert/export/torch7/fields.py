"""The table of what Torch7 writes for each class, and the change between nn and cudnn.

The table (``fields.json``) is made from files that a real Torch7 wrote.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from t7convert.errors import ConversionError, Problem
from t7convert.lua import schema
from t7convert.lua.tree import LuaModule

Backend = Literal["nn", "cudnn"]
TABLE = Path(__file__).with_suffix(".json")
#: Classes that cudnn.torch has too, with the same fields (cudnn.torch: convert.lua). SoftMax and
#: LogSoftMax are left: cudnn's take a map's channels and pixels together.
_SAME = (
    "BatchNormalization",
    "SpatialBatchNormalization",
    "VolumetricBatchNormalization",
    "SpatialConvolution",
    "SpatialCrossMapLRN",
    "SpatialFullConvolution",
    "SpatialMaxPooling",
    "SpatialAveragePooling",
    "ReLU",
    "Tanh",
    "Sigmoid",
    "VolumetricConvolution",
    "VolumetricMaxPooling",
    "VolumetricAveragePooling",
)
#: Fields that only one of the two has, and the value at which both compute the same.
_NEUTRAL: dict[str, Any] = {"groups": 1, "threshold": 0, "val": 0, "divide": True}


@dataclass(frozen=True)
class Template:
    """What Torch7 writes for a class; see the docstring of tests/torch7_fields.py."""

    version: float
    common: tuple[str, ...]
    own: tuple[str, ...]
    optional: tuple[str, ...]
    storages: tuple[str, ...]
    fill: Mapping[str, Mapping[str, Any]]


@cache
def _table() -> dict[str, Template]:
    raw = json.loads(TABLE.read_text(encoding="utf-8"))
    return {
        name: Template(
            entry["version"],
            tuple(entry["common"]),
            tuple(entry["own"]),
            tuple(entry["optional"]),
            tuple(entry["storages"]),
            entry["fill"],
        )
        for name, entry in raw.items()
    }


def classes() -> tuple[str, ...]:
    """Return the classes of the table."""
    return tuple(_table())


def find_template(module: LuaModule) -> Template | None:
    """Return the template of a module's class, or None."""
    return None if module.spec.derived else _table().get(module.spec.name)


def template_of(module: LuaModule) -> Template:
    """Return the template of a module's class.

    Raises:
        ConversionError: if no file of Torch7 shows what it writes for the class.
    """
    template = find_template(module)
    if template is None:
        raise refusal(module, "what Torch7 writes for this class is not known")
    return template


def refusal(module: LuaModule, reason: str) -> ConversionError:
    """Return the error for a module that can't be written."""
    return ConversionError([Problem(module.typename, module.path, reason)])


def with_backend(module: LuaModule, backend: Backend | None) -> LuaModule:
    """Return the module under the name that it has in nn or cudnn, where it has one there.

    Raises:
        ConversionError: if the other package can't compute the same.
    """
    package, _, name = module.typename.partition(".")
    if backend is None or package == backend or package not in ("nn", "cudnn"):
        return module
    if name not in _SAME:
        if package == "cudnn":
            raise refusal(module, "nn has no class that computes the same")
        return module
    typename = f"{backend}.{name}"
    spec = schema.by_name(typename)
    if spec is None or typename not in _table():
        if package == "cudnn":
            raise refusal(module, f"what Torch7 writes for {typename} is not known")
        return module
    if "BatchNormalization" in name and "weight" not in module.fields:
        return module  # cudnn's asserts that it has a weight; nn's runs on a GPU as well
    fields = dict(module.fields)
    known = {*spec.tensors, *spec.children, *spec.constants}
    for field, neutral in _NEUTRAL.items():
        if field in fields and field not in known:
            if fields.pop(field) != neutral:
                raise refusal(module, f"{typename} has no {field}, which is not {neutral} here")
        elif field in spec.constants and field not in fields:
            fields[field] = neutral
    if "Pooling" in name and _windows_differ(name, fields):
        raise refusal(module, f"{typename} treats its last windows or its padding otherwise")
    return replace(module, typename=typename, spec=spec, fields=fields)


def _windows_differ(name: str, fields: Mapping[str, Any]) -> bool:
    """Tell whether nn and cuDNN pool differently.

    cuDNN keeps a last window that starts in the padding, divides by the whole window, and counts
    the padding whatever ``count_include_pad`` says (cudnn.torch: SpatialAveragePooling.lua).
    """
    padded = any(fields.get(axis) for axis in ("padT", "padW", "padH"))
    if "Max" in name:
        return bool(fields.get("ceil_mode")) and padded
    counted = fields.get("count_include_pad", True)
    return bool(fields.get("ceil_mode")) or (padded and not counted)
