"""The converted network behind a module of ``load_lua``, on the same memory as its fields."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from t7convert.compat.casting import memory_key
from t7convert.compat.fields import ModuleFields, every
from t7convert.compat.rebuilding import Rebuilding, lasting
from t7convert.compat.tables import TorchObject
from t7convert.conversion.convert import Converted
from t7convert.conversion.network import convert_object
from t7convert.errors import ConversionError, Problem
from t7convert.inputs.values import tensors_in
from t7convert.lua.tree import walk


def _check_known(root: ModuleFields) -> None:
    """Refuse modules that are TorchObjects, by name."""
    unknown = [
        Problem(item.torch_typename(), "", "nobody knows this class, so it can't compute")
        for module in every(root, ModuleFields)
        for name in module.spec.children
        for value in [module.__dict__.get(name)]
        for item in (value if isinstance(value, list) else [value])
        if isinstance(item, TorchObject)
    ]
    if unknown:
        raise ConversionError(unknown)


def _mark(value: Any) -> object:
    """Return something that is equal as long as a field is."""
    if isinstance(value, Tensor):
        place = (value.storage_offset(), value.shape, value.stride(), value.device)
        return (*memory_key(value), value.data_ptr(), *place)
    if isinstance(value, (list, tuple)):
        return tuple(_mark(item) for item in value)
    if isinstance(value, dict):
        return tuple((_mark(k), _mark(v)) for k, v in value.items())
    return (type(value), value) if isinstance(value, (bool, int, float, str)) else id(value)


def _marks(root: ModuleFields) -> list[object]:
    """Return what changes when something in a module changes that a conversion reads."""
    each = {id(module): module for module in every(root, ModuleFields)}.values()
    return [
        (id(module), [(name, _mark(value)) for name, value in lasting(module).items()])
        for module in each
    ]


class Live:
    """The network of a module, as its fields were when it was made."""

    def __init__(self, module: ModuleFields) -> None:
        self._module, self._marks = module, _marks(module)
        _check_known(module)
        rebuilding = Rebuilding()
        converted = convert_object(rebuilding.of(module), arch="generic")
        self.network = converted.network
        self._parts = _parts(converted, rebuilding)
        self._last: tuple[Any, Any] | None = None
        self._placed = _place(converted, rebuilding)
        for part, legacy in self._parts:
            part.register_forward_hook(_keeper(legacy))

    def is_current(self) -> bool:
        """Tell whether the module's fields are still what they were."""
        return self._marks == _marks(self._module)

    def forward(self, *inputs: Any) -> Any:
        """Run the network, each part in the mode of its module."""
        for part, legacy in self._parts:  # containers come before what they contain
            part.train(bool(legacy.__dict__.get("train")))
        leaves = _mapped(inputs, _leaf) if self._module.__dict__.get("train") else inputs
        with torch.set_grad_enabled(leaves is not inputs):
            result = self.network(*leaves)
        self._last = (leaves, result) if leaves is not inputs else None
        self._module.__dict__["output"] = _mapped(result, torch.Tensor.detach)
        return self._module.__dict__["output"]

    def backward(self, input: Any, gradient: Any) -> Any:
        """Return the gradient of an input; ``forward`` ran before, as in Lua."""
        if self._last is None:
            leaves = _mapped((input,), _leaf)
            with torch.enable_grad():
                self._last = (leaves, self.network(*leaves))
        leaves, result = self._last
        self._last = None
        pairs = list(zip(tensors_in(result), tensors_in(gradient), strict=True))
        pairs = [(output, wanted) for output, wanted in pairs if output.requires_grad]
        torch.autograd.backward([p for p, _ in pairs], [w for _, w in pairs])
        found = _mapped(leaves[0], lambda leaf: leaf.grad)
        self._module.__dict__["gradInput"] = found
        return found


def _parts(converted: Converted, built: Rebuilding) -> list[tuple[nn.Module, ModuleFields]]:
    return [
        (converted.network.get_submodule(converted.modules[tree.path][0]), legacy)
        for tree in walk(converted.tree)
        for legacy in [built.modules.get(id(tree.raw))]
        if legacy is not None and tree.path in converted.modules
    ]


def _keeper(legacy: ModuleFields) -> Any:
    def keep(part: nn.Module, inputs: Any, output: Any) -> None:
        legacy.__dict__["output"] = _mapped(output, torch.Tensor.detach)

    return keep


def _place(converted: Converted, built: Rebuilding) -> int:
    """Let the network's tensors lie where the fields lie; return how many do."""
    device = next((memory.device for memory in built.memory.values()), torch.device("cpu"))
    count = 0
    for part in converted.network.modules():
        for name, tensor in [*part._parameters.items(), *part._buffers.items()]:
            if tensor is None:
                continue
            place = _field(converted, built, tensor)
            count += place is not None
            if name in part._buffers:
                part._buffers[name] = tensor.to(device) if place is None else place
            elif place is not None or tensor.device != device:
                tensor.data = tensor.to(device) if place is None else place
    return count


def _field(converted: Converted, built: Rebuilding, tensor: Tensor) -> Tensor | None:
    origin = converted.origins.get(id(tensor))
    if origin is None or origin.transform is not None or origin.kept is not None:
        return None
    memory, g = built.memory[id(origin.storage)], origin.geometry
    return memory.as_strided(g.size, g.stride, g.offset)


def _mapped(value: Any, function: Any) -> Any:
    """Return nested lists of tensors with a function applied to each."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, tuple):
        return tuple(_mapped(item, function) for item in value)
    if isinstance(value, list):
        return [_mapped(item, function) for item in value]
    if isinstance(value, dict):
        return {key: _mapped(item, function) for key, item in value.items()}
    return value


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.detach().requires_grad_(tensor.is_floating_point())
