"""The table of converters: one small function per Lua class.

A converter takes a :class:`~t7convert.conversion.layer.Layer` (the Lua module under conversion) and
returns an ``nn.Module`` whose parameters it handed over with ``layer.bind``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from torch import nn

from t7convert.lua import schema

if TYPE_CHECKING:
    from t7convert.conversion.layer import Layer

Converter = Callable[["Layer"], nn.Module]
_Function = TypeVar("_Function", bound=Callable[["Layer"], nn.Module])

_CONVERTERS: dict[str, Converter] = {}


def converts(*names: str, replace: bool = False, **fields: Any) -> Callable[[_Function], _Function]:
    """Register the decorated function for these Lua classes (keys of schema rows, or typenames).

    Plugins use it too; ``replace=True`` takes the place of a converter that exists. For a class
    that the schema doesn't know, ``fields`` may say what its fields are, as
    :func:`t7convert.lua.schema.row` takes it: ``parameters="weight bias"``,
    ``constants={"scale": 1.0}``. Without it ``weight`` and ``bias`` are taken for parameters, other
    tensors for statistics, other values for constants.

    Raises:
        ValueError: if one of the classes has a converter already and ``replace`` is false.
    """

    def register(function: _Function) -> _Function:
        for name in names:
            known = _CONVERTERS.get(name)
            if known is not None and not (replace or _same_source(known, function)):
                raise ValueError(f"{name} is already converted by {known.__qualname__}")
            _CONVERTERS[name] = function
            if fields:
                schema.row(name, "plugin", **fields)
        return function

    return register


def _same_source(one: Converter, two: Converter) -> bool:
    """Tell whether two functions are one, of a file that was imported twice."""
    places = [
        (function.__code__.co_filename, function.__qualname__)
        for function in (one, two)
        if inspect.isfunction(function)
    ]
    return len(places) == 2 and places[0] == places[1]


def converter_for(name: str) -> Converter | None:
    """Return the converter of a class, or None."""
    return _CONVERTERS.get(name)


def converters() -> Mapping[str, Converter]:
    """Return the whole table, read-only by convention."""
    return _CONVERTERS


@contextmanager
def restored() -> Iterator[None]:
    """Undo registrations made inside the block, so that a plugin serves one conversion only."""
    before = dict(_CONVERTERS)
    try:
        yield
    finally:
        _CONVERTERS.clear()
        _CONVERTERS.update(before)
