"""The arguments that a module was made with, read back from what the module is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import nn
from torch.nn.utils import parametrize

from t7convert.export.source.solving import Unknown, solve

_MISSING = object()
#: Parameters of constructors that say where, not what.
_PLACES = frozenset({"device", "dtype"})


@dataclass(frozen=True)
class Argument:
    """One argument of a constructor call, as a value."""

    name: str
    value: Any
    keyword: bool
    default: bool


class UnknownArgumentError(Exception):
    """A constructor's parameter that the module doesn't tell."""


def class_of(module: nn.Module) -> type[nn.Module]:
    """Return the class that was called: that of a parametrised module is made by torch."""
    kind: type[nn.Module] = parametrize.type_before_parametrizations(module)
    return kind


def arguments(module: nn.Module) -> list[Argument]:
    """Return the arguments of the constructor, in its order.

    Raises:
        UnknownArgumentError: naming a parameter whose value can't be told.
    """
    found = list(_given(module))
    unknown = [argument for argument in found if isinstance(argument.value, Unknown)]
    if not unknown:
        return found
    plain = [a.value for a in found if not a.keyword]
    named = {a.name: a.value for a in found if a.keyword and not a.default}
    values = solve(module, class_of(module), plain, named)
    if values is None:
        raise UnknownArgumentError(unknown[0].name)
    known = iter(values)
    solved: list[Argument] = []
    for argument in found:
        if not isinstance(argument.value, Unknown):
            solved.append(argument)
            continue
        value = next(known)
        parts = value if argument.value.many else [value]
        solved += [replace(argument, value=part, default=part is None) for part in parts]
    return solved


def _given(module: nn.Module) -> Iterator[Argument]:
    kind = class_of(module)
    known = _SPECIAL[kind.__name__](module) if kind.__name__ in _SPECIAL else {}
    named = [(name, child) for name, child in module._modules.items() if child is not None]
    rest = [child for name, child in named if name != "parametrizations"]
    # Written on the class, so that nn.Module's own __init__ doesn't count.
    for parameter in list(inspect.signature(kind.__init__).parameters.values())[1:]:
        name = parameter.name
        required = parameter.default is parameter.empty
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        if name in _PLACES and not required and name not in known:
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            for value in _many(module, name, str(parameter.annotation), rest):
                yield Argument(name, value, False, False)
            continue
        try:
            value = known[name] if name in known else _attribute(module, name)
        except AttributeError:
            value = parameter.default
            if parameter.annotation == "int | None":
                value = Unknown(name, optional=True)
            if required:
                value = _unnamed(name, str(parameter.annotation), rest)
        value = _plain(kind, name, value)
        used = value if isinstance(value, list) else [value]
        rest = [child for child in rest if not any(child is one for one in used)]
        keyword = not required or parameter.kind is parameter.KEYWORD_ONLY
        default = not required and _is(value, parameter.default)
        if name == "stride" and default is False and parameter.default is None:
            default = _is(value, _plain(kind, name, getattr(module, "kernel_size", None)))
        yield Argument(name, value, keyword, default)


def _many(module: nn.Module, name: str, annotation: str, rest: list[nn.Module]) -> list[Any]:
    """Return what was given to ``*name``."""
    for own in (name, f"_{name}"):
        stored = vars(module).get(own)
        if isinstance(stored, (list, tuple)):
            return list(stored)
    return [Unknown(name, many=True)] if annotation == "int" else rest


def _unnamed(name: str, annotation: str, rest: list[nn.Module]) -> Any:
    """Return what a module keeps under another name: children in order, sizes in its tensors.

    Raises:
        UnknownArgumentError: if it is neither.
    """
    if "nn.Module" in annotation:
        if any(word in annotation for word in ("Sequence", "Iterable", "list")):
            return list(rest)
        if rest:
            return rest[0]
    if annotation == "int":
        return Unknown(name)
    raise UnknownArgumentError(name)


def _is(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


def _attribute(module: nn.Module, name: str) -> Any:
    """Return what the module keeps under the parameter's name."""
    for own in (name, f"_{name}", f"{name}_mode"):
        value = getattr(module, own, _MISSING)
        if value is not _MISSING and not inspect.ismethod(value):
            return _as_given(name, value, module)
    if name == "bias":
        return False
    raise AttributeError(name)


def _as_given(name: str, value: Any, module: nn.Module) -> Any:
    if name == "bias" and (value is None or isinstance(value, nn.Parameter)):
        return value is not None
    return list(value) if isinstance(value, nn.ModuleList) else value


def _plain(kind: type[nn.Module], name: str, value: Any) -> Any:
    """Write ``3`` for ``(3, 3)`` where torch means the same."""
    geometry = kind.__module__.startswith("torch.nn.modules.") and isinstance(value, tuple)
    if geometry and name in ("kernel_size", "stride", "padding", "dilation", "output_padding"):
        return value[0] if len(set(value)) == 1 else value
    return value


def _projected(module: Any) -> dict[str, Any]:
    return {"output_size": None if module.weightO is None else int(module.weightO.shape[1])}


_SPECIAL: dict[str, Callable[[Any], dict[str, Any]]] = {
    "SeqLSTM": _projected,
    "StepLSTM": _projected,
    "Convert": lambda module: {"dtype": module.element.dtype},
    "Copy": lambda module: {"dtype": module.element.dtype},
    "OneHot": lambda module: {"dtype": module.one.dtype},
    "LocalMean": lambda module: {"kernels": list(module.buffers())},
    "NeighbourSum": lambda module: {"kernels": list(module.buffers())},
}
