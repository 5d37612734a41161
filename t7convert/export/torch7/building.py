"""What the builders of Lua modules from PyTorch modules share: naming, tensors, refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from t7convert.errors import ConversionError, Problem
from t7convert.export.torch7.rules import long_storage
from t7convert.export.torch7.values import as_array
from t7convert.format.objects import ArrayPayload, LuaStorage, LuaTensor
from t7convert.lua import schema
from t7convert.lua.tree import LuaModule

#: Makes the Lua module of a PyTorch module.
Build = Callable[[Any, "Place"], LuaModule]
BUILDERS: dict[type[nn.Module], Build] = {}
#: The same for classes of networks and blocks of our own.
STRUCTURES: dict[type[nn.Module], Build] = {}
#: Give a builder for what a module's attributes show, or None.
RECOGNISERS: list[Callable[[nn.Module], Build | None]] = []

_LIKE = "(for a network that came from a .t7, name its converted file: like=)"


def builds(*kinds: type[nn.Module]) -> Callable[[Build], Build]:
    """Register the decorated function for these classes (not for their subclasses)."""

    def register(function: Build) -> Build:
        for kind in kinds:
            if kind in BUILDERS:
                raise ValueError(f"{kind.__name__} is already built")
            BUILDERS[kind] = function
        return function

    return register


class Network:
    """One PyTorch network on its way to a module tree.

    Attributes:
        rank: the dimensions of one sample here, as far as the layers before tell; 0 before that.
        view: the View that is waiting for a Linear to say how many numbers a row has.
        groups: whether a convolution may have groups: cudnn's may.
        traced: whether the rank is that of a run, and nothing was guessed.
    """

    def __init__(self, *, groups: bool = False) -> None:
        self.groups = groups
        self.rank = 0
        self.view: LuaModule | None = None
        self.traced = False
        self.problems: list[Problem] = []
        self._storages: dict[tuple[int, torch.dtype], LuaStorage] = {}
        self._kept: list[Tensor] = []
        self._derived: dict[tuple[Any, ...], Tensor] = {}

    def derived(self, tensor: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
        """Return what ``change`` makes of a tensor, the same for the same tensor: ties stay."""
        plain = tensor.detach()
        key = plain.data_ptr(), tuple(plain.shape), plain.stride(), plain.dtype
        if key not in self._derived:
            self._kept.append(plain)
            self._derived[key] = change(plain).clone()
        return self._derived[key]

    def tensor(self, tensor: Tensor) -> LuaTensor:
        """Return a tensor as a Lua tensor; those on one storage stay on one."""
        if tensor.dim() > 2 and not tensor.is_contiguous():  # channels_last
            tensor = self.derived(tensor, lambda t: t.contiguous())
        plain = tensor.detach()
        self._kept.append(plain)  # so that no other tensor gets its address
        key = plain.untyped_storage().data_ptr(), plain.dtype
        if key not in self._storages:
            count = plain.untyped_storage().nbytes() // plain.element_size()
            whole = torch.empty(0, dtype=plain.dtype, device=plain.device)
            array = as_array(whole.set_(plain.untyped_storage()))
            kind = {"f4": "Float", "f8": "Double"}.get(array.dtype.str[1:])
            if kind is None:
                raise TypeError(f"tensors of {plain.dtype} have no form in torch/nn")
            typename = f"torch.{kind}Storage"
            self._storages[key] = LuaStorage(typename, count, ArrayPayload(array))
        storage = self._storages[key]
        typename = storage.typename.replace("Storage", "Tensor")
        offset = int(plain.storage_offset())
        return LuaTensor(typename, tuple(plain.shape), plain.stride(), offset, storage)


class Place:
    """One module of the network: its name, and how Lua modules are made at it."""

    def __init__(self, network: Network, name: str) -> None:
        self.network, self.name = network, name

    def lua(self, typename: str, **fields: Any) -> LuaModule:
        """Return a Lua module with these fields; None stands for nil, torch tensors are taken."""
        spec = schema.by_name(typename)
        if spec is None:
            raise ValueError(f"the schema has no {typename}")
        made = {
            key: self.network.tensor(value) if isinstance(value, Tensor) else value
            for key, value in fields.items()
            if value is not None
        }
        return LuaModule(typename, spec, self.name, None, made)

    def sequential(self, *modules: LuaModule) -> LuaModule:
        """Return an nn.Sequential."""
        return self.lua("nn.Sequential", modules=list(modules))

    def view(self, size: int) -> LuaModule:
        """Return an nn.View that makes a row of each sample of the present rank."""
        made = self.lua("nn.View", size=long_storage([size]), numInputDims=self.network.rank)
        self.network.rank = 1
        return made

    def child(self, module: nn.Module, name: str) -> LuaModule:
        """Return the Lua module of a submodule."""
        full = f"{self.name}.{name}" if self.name else name
        return build_at(module, Place(self.network, full))

    def children(self, module: nn.Module, names: Iterable[str]) -> list[LuaModule]:
        """Return the Lua modules of named submodules, in this order."""
        return [self.child(module.get_submodule(name), name) for name in names]

    def require(self, holds: bool, reason: str) -> None:
        """Refuse the module for ``reason`` unless ``holds``."""
        if not holds:
            raise RefusedError(reason)


class RefusedError(Exception):
    """A module has no equal in torch/nn; :func:`build_at` says which one."""


def build_at(module: nn.Module, place: Place) -> LuaModule:
    """Return the Lua module of a PyTorch module; what has none is noted in ``problems``.

    A module that is used twice becomes two that share their parameters: Lua's keep their output
    for the backward pass, so one object could not serve both uses.
    """
    network = place.network
    build = builder_of(module)
    try:
        if build is None:
            raise RefusedError(advice(module))
        _plain(module)
        return build(module, place)
    except (RefusedError, TypeError) as error:
        kind = f"{type(module).__module__}.{type(module).__qualname__}"
        network.problems.append(Problem(kind, place.name, str(error)))
        return place.lua("nn.Identity")


def builder_of(module: nn.Module) -> Build | None:
    """Return the builder of a module's class, or of what its attributes make it."""
    found = BUILDERS.get(type(module)) or STRUCTURES.get(type(module))
    for recognise in RECOGNISERS:
        found = found or recognise(module)
    return found


def is_known(module: nn.Module) -> bool:
    """Tell whether a module's class alone says what it computes."""
    row = isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward
    return row or type(module) in BUILDERS or type(module) in STRUCTURES


def _plain(module: nn.Module) -> None:
    """Refuse what changes a module beside its class."""
    if module._forward_hooks or module._forward_pre_hooks:
        raise RefusedError(
            "it has forward hooks, which have no equal in torch/nn (of weight_norm or "
            f"spectral_norm: torch.nn.utils.remove_weight_norm, remove_spectral_norm) {_LIKE}"
        )
    if "forward" in vars(module):
        raise RefusedError("its forward was replaced")
    if any(tensor is not None and tensor.is_meta for tensor in module._parameters.values()):
        raise RefusedError("its parameters have no values (device='meta')")


def advice(module: nn.Module) -> str:
    """Return what to do about a module of a class that isn't known."""
    if nn.utils.parametrize.is_parametrized(module):
        return (
            "its parameters are computed from others: "
            "torch.nn.utils.parametrize.remove_parametrizations(module, name) leaves what they are "
            f"{_LIKE}"
        )
    if isinstance(module, nn.modules.lazy.LazyModuleMixin):
        return "its sizes are not known before its first forward pass"
    if isinstance(module, torch.jit.ScriptModule):
        return "what torch.jit compiled can't be followed: take the module that it was made of"
    return f"torch/nn has no class for it that is known here {_LIKE}"


def finish(root: LuaModule, network: Network) -> LuaModule:
    """Return the tree.

    Raises:
        ConversionError: listing every module without an equal.
    """
    if network.problems:
        raise ConversionError(network.problems)
    return root
