"""Wrong conversions, planted: what a converter might get wrong about a module's fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from t7convert.format.objects import LuaStorage, LuaTensor
from t7convert.lua.tree import LuaModule, walk
from tests.build import tensor

#: Pairs whose exchange is the classic fault: Lua has width first, PyTorch height.
_PAIRS = (
    *(("kW", "kH"), ("dW", "dH"), ("padW", "padH"), ("pad_l", "pad_t"), ("pad_r", "pad_b")),
    *(("pad_l", "pad_r"), ("pad_t", "pad_b"), ("adjW", "adjH"), ("dilationW", "dilationH")),
    *(("W", "H"), ("oW", "oH"), ("owidth", "oheight"), ("kT", "kH"), ("dT", "dH")),
)
#: Fields of a tree of nodes: changed, they make circles that nothing ever leaves.
_NODES = ("rootId", "childIds", "parentIds", "parentChildren")

Mutation = tuple[str, Callable[[], None]]


def mutations(tree: LuaModule) -> Iterator[Mutation]:
    """Iterate over (what, how to do it in place) for the modules of a tree."""
    for module in walk(tree):
        where = f"{module.path or '<root>'} {module.typename}"
        fields = module.fields
        for a, b in _PAIRS:
            if a in fields and b in fields and fields[a] != fields[b]:
                yield f"{where}: {a} and {b} swapped", _setter(fields, {a: fields[b], b: fields[a]})
        for name in module.spec.constants:
            if name in _NODES or (name == "inplace" and not fields.get(name)):
                continue
            for what, value in _variants(fields.get(name)):
                yield f"{where}: {name} {what}", _setter(fields, {name: value})
        for name in module.spec.statistics:
            value = fields.get(name)
            if isinstance(value, LuaTensor) and value.storage is not None:
                root = np.sqrt(np.abs(np.array(value.numpy())))
                yield f"{where}: the root of {name}", _setter(fields, {name: tensor(root)})
        for name in module.spec.children:
            inside = fields.get(name)
            if isinstance(inside, list) and len(inside) > 1:
                yield f"{where}: the last of {name} dropped", _setter(fields, {name: inside[:-1]})
                turned = [*inside[1:], inside[0]]
                yield f"{where}: {name} in another order", _setter(fields, {name: turned})


def _setter(fields: dict[str, Any], values: dict[str, Any]) -> Callable[[], None]:
    return lambda: fields.update(values)


def _variants(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, bool):
        yield "ignored", not value
    elif isinstance(value, int):
        yield "off by one", value + 1
        if value > 1:
            yield "off by minus one", value - 1
    elif isinstance(value, float):
        yield "off by one", value + 1
        if 0 < value < 0.1:  # an eps
            yield "missing", 0.0
        yield "doubled", 2 * value
    elif isinstance(value, LuaStorage) and value.size:
        numbers = np.array(value.numpy())
        yield "turned round", LuaStorage(value.typename, value.size, tensor_payload(numbers[::-1]))
        yield "off by one", LuaStorage(value.typename, value.size, tensor_payload(numbers + 1))
    elif isinstance(value, LuaTensor) and value.storage is not None and value.numel():
        yield "changed", tensor(np.array(value.numpy())[..., ::-1] + 1)


def tensor_payload(values: Any) -> Any:
    """Return the payload of a storage with these values."""
    made = tensor(np.ascontiguousarray(values), "Long").storage
    assert made is not None
    return made.payload
