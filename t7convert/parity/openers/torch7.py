"""``.t7``: what ``shrink``, ``to-torch7`` and ``save`` wrote, converted like any other file."""

from __future__ import annotations

from t7convert.conversion.network import convert_object
from t7convert.conversion.plugins import loaded
from t7convert.lua import find
from t7convert.lua.tree import LuaModule, walk
from t7convert.opening import open_source
from t7convert.parity.opening import Output, Wish, opens


@opens(".t7", ".t7b", ".net")
def open_torch7(wish: Wish) -> Output:
    """Open a Lua Torch file; its network gets the paths that the source's has."""
    with loaded(wish.plugins):
        file = open_source(wish.path)
        with file.named():
            converted = convert_object(find.model_like(file.root, wish.place)[1], wish.place)
    kind = _dtype(converted.tree)
    limits = ("gradients and buffers of training, which no conversion reads",)
    return Output(converted=converted, provenance={"dtype": kind} if kind else {}, limits=limits)


_DTYPES = {
    "Float": "float32",
    "Double": "float64",
    "Half": "float16",
    "Cuda": "float32",
    "CudaDouble": "float64",
    "CudaHalf": "float16",
}


def _dtype(tree: LuaModule) -> str | None:
    """Return the dtype of all floating parameters; None if there are several, or none."""
    kinds = {
        tensor.typename.removeprefix("torch.").removesuffix("Tensor")
        for module in walk(tree)
        for _, tensor in module.tensors(module.spec.parameters)
    }
    found = {_DTYPES[kind] for kind in kinds if kind in _DTYPES}
    return found.pop() if len(found) == 1 else None
