"""The written source must make the same network; whatever differs is refused by name."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from t7convert.conversion.convert import ties
from t7convert.export.source.arguments import class_of
from t7convert.export.source.modules import refuse
from t7convert.inputs.values import tensors_in
from t7convert.nn.remembered import of_lua_gradients

_MODULE = "_t7convert_written_source"
#: What every module has, and what a converted network tells of its origin.
_OWN = frozenset(vars(nn.Module())) | {"parametrizations", "flat_layout", "_apply"}


def built(
    text: str, name: str, state: Mapping[str, Tensor], dtype: torch.dtype | None
) -> nn.Module:
    """Run the source and return its network with the state loaded, in evaluation mode."""
    module = types.ModuleType(_MODULE)
    module.__file__ = __file__
    sys.modules[_MODULE] = module  # dataclasses look their module up
    try:
        exec(compile(text, f"<{name}>", "exec"), vars(module))
        network: nn.Module = vars(module)[name]()
    except Exception as error:  # whatever a wrong argument leads to
        raise refuse(name, "", f"the source would fail with {error!r}") from error
    finally:
        del sys.modules[_MODULE]
    if dtype is not None:
        network.to(dtype)
    try:
        network.load_state_dict(dict(state))
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise refuse(name, "", f"the source would not take the weights: {reason}") from error
    return network.eval()


def compare(network: nn.Module, made: nn.Module, *, compact: bool) -> None:
    """Require the same keys, ties, tensors, modules and settings.

    ``compact`` networks have containers and forward of their own.

    Raises:
        ConversionError: naming the first difference.
    """
    own, found = network.state_dict(keep_vars=True), made.state_dict(keep_vars=True)
    if set(own) != set(found):
        names = sorted(set(own) ^ set(found))
        raise refuse(network, names[0], "the source would have other state_dict keys")
    if sorted(map(sorted, ties(network))) != sorted(map(sorted, ties(made))):
        raise refuse(network, "", "the source would tie other tensors")
    for key, tensor in own.items():
        if not _same(tensor, found[key]) or tensor.requires_grad != found[key].requires_grad:
            raise refuse("Tensor", key, "the source's state_dict would give it another value")
    theirs = dict(made.named_modules(remove_duplicate=False))
    for name, module in network.named_modules(remove_duplicate=False):
        if name in theirs:
            _compare_modules(module, theirs[name], name, compact=compact)
        elif type(module) is not nn.Identity:
            raise refuse(module, name, "the source would lack it")


def _compare_modules(module: nn.Module, made: nn.Module, name: str, *, compact: bool) -> None:
    kind = class_of(module).__name__
    rewritten = kind == "GraphModule" or (compact and len(module._modules) > 0)
    if rewritten:
        return
    if not any(re.fullmatch(rf"{kind}\d*", base.__name__) for base in type(made).__mro__):
        raise refuse(module, name, f"the source would make a {type(made).__name__}")
    for which in ("_forward_hooks", "_forward_pre_hooks"):
        own_hooks = [h for h in getattr(module, which).values() if not of_lua_gradients(h)]
        if len(own_hooks) != len(getattr(made, which)):
            raise refuse(module, name, "the source would have other hooks")
    for own in ("_buffers", "_parameters"):
        for key, tensor in getattr(module, own).items():
            if not _same(tensor, getattr(made, own).get(key)):
                raise refuse(module, name, f"the source doesn't make its {key}")
    theirs = vars(made)
    for key, value in vars(module).items():
        if key not in _OWN and (key not in theirs or not _same(value, theirs[key])):
            raise refuse(module, name, f"its {key} was set after it was made")


def _same(a: Any, b: Any) -> bool:
    """Tell whether two values of attributes are the same, NaN included."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        raw = [t.detach().contiguous().reshape(-1).view(torch.uint8) for t in (a, b)]
        return torch.equal(*raw)
    if isinstance(a, nn.Module) or isinstance(b, nn.Module):
        return isinstance(a, nn.Module) and isinstance(b, nn.Module)  # compared by their names
    if isinstance(a, tuple) and isinstance(b, int):
        return set(a) == {b}
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if type(a).__module__ != "builtins" and type(a).__name__ == type(b).__name__:
        return _same_objects(a, b)
    return type(a) is type(b) and (bool(a == b) or repr(a) == repr(b) == "nan")


def _same_objects(a: Any, b: Any) -> bool:
    if hasattr(a, "__qualname__"):
        return bool(a.__qualname__ == b.__qualname__)
    if hasattr(a, "__dict__"):
        return _same(vars(a), vars(b))
    return bool(a == b)


def run_both(network: nn.Module, made: nn.Module, example: Any) -> str:
    """Require the same output, bit for bit, of the same input.

    Returns:
        Why nothing was compared: the network itself doesn't take the input; else an empty text.

    Raises:
        ConversionError: if they differ.
    """
    try:
        expected = _run(network, example)
    except Exception as error:  # any that a wrong input leads to
        return f"the network fails with {error!r}"
    try:
        found = _run(made, example)
    except Exception as error:  # the original ran, so whatever happens here is a difference
        raise refuse(network, "", f"the source would fail with {error!r}") from error
    if not expected or not _same(expected, found):
        raise refuse(network, "", "the source computes something else")
    return ""


def _run(network: nn.Module, example: Any) -> list[Tensor]:
    torch.manual_seed(0)
    with torch.no_grad():
        return [tensor.clone() for tensor in tensors_in(network(_copied(example)))]


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, (list, tuple)):
        return [_copied(item) for item in value]
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return value
