"""The arguments that a module was made with, read back from what the module is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.utils import parametrize

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


def arguments(module: nn.Module) -> Iterator[Argument]:
    """Iterate over the arguments of the constructor, in its order.

    Raises:
        UnknownArgumentError: naming a parameter whose value can't be told.
    """
    kind = class_of(module)
    known = _SPECIAL[kind.__name__](module) if kind.__name__ in _SPECIAL else {}
    rest = [child for name, child in module._modules.items() if name != "parametrizations"]
    # Written on the class, so that nn.Module's own __init__ doesn't count.
    for parameter in list(inspect.signature(kind.__init__).parameters.values())[1:]:
        name = parameter.name
        if name in _PLACES or parameter.kind is parameter.VAR_KEYWORD:
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            stored = [vars(module).get(own) for own in (name, f"_{name}")]
            given = next((value for value in stored if isinstance(value, (list, tuple))), rest)
            for child in known.get(name, given):
                yield Argument(name, child, False, False)
            continue
        required = parameter.default is parameter.empty
        try:
            value = known[name] if name in known else _attribute(module, name)
        except AttributeError as error:
            if required:
                raise UnknownArgumentError(name) from error
            value = parameter.default
        value = _plain(kind, name, value)
        rest = [child for child in rest if child is not value]
        keyword = not required or parameter.kind is parameter.KEYWORD_ONLY
        default = not required and _is(value, parameter.default)
        if name == "stride" and default is False and parameter.default is None:
            default = _is(value, _plain(kind, name, getattr(module, "kernel_size", None)))
        yield Argument(name, value, keyword, default)


def _is(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


def _attribute(module: nn.Module, name: str) -> Any:
    """Return what the module keeps under the parameter's name."""
    for own in (name, f"_{name}"):
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


def _shape(*names: str) -> Callable[[Any], dict[str, Any]]:
    """Tell the named parameters from the weight's shape, in its order."""
    return lambda module: dict(zip(names, module.weight.shape, strict=False))


_SPECIAL: dict[str, Callable[[Any], dict[str, Any]]] = {
    "WeightedEuclidean": _shape("in_features", "out_features"),
    "Euclidean": _shape("in_features", "out_features"),
    "Cosine": _shape("out_features", "in_features"),
    "Kmeans": _shape("k", "dim"),
}
