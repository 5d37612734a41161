"""The converted network behind a module of ``load_lua``, on the same memory as its fields."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from t7convert.compat.casting import memory_key, memory_of
from t7convert.compat.indices import is_shifted, lua_name, shifted
from t7convert.compat.module import LegacyModule
from t7convert.compat.tables import LuaFunction, TorchObject
from t7convert.conversion.convert import Converted
from t7convert.conversion.network import convert_object
from t7convert.errors import ConversionError, Problem
from t7convert.format import objects as lua

_TYPENAMES = {
    torch.uint8: "Byte",
    torch.int8: "Char",
    torch.int16: "Short",
    torch.int32: "Int",
    torch.int64: "Long",
    torch.float16: "Half",
    torch.float32: "Float",
    torch.float64: "Double",
}
#: Fields that come and go with each call.
_PASSING = frozenset({"output", "gradInput", "train", "_type"})


class Rebuilding:
    """The Lua objects that modules stand for, as their fields are now."""

    def __init__(self) -> None:
        self.modules: dict[int, LegacyModule] = {}  # by id of the Lua object
        self.memory: dict[int, Tensor] = {}  # by id of the Lua storage
        self._made: dict[Any, Any] = {}
        self._open: list[tuple[Any, Any]] = []

    def of(self, root: LegacyModule) -> lua.LuaObject:
        """Return the Lua object of a module."""
        made: lua.LuaObject = self._value(root)
        while self._open:
            shell, source = self._open.pop()
            items = enumerate(source, start=1) if isinstance(source, list) else source.items()
            for key, value in list(items):
                shell[self._value(key)] = self._value(value)
        return made

    def _value(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self._tensor(value)
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if id(value) not in self._made:
            self._made[id(value)] = self._new(value)
        return self._made[id(value)]

    def _new(self, value: Any) -> Any:
        if isinstance(value, LegacyModule):
            obj = lua.LuaObject(value.lua.typename, lua.LuaTable(), version=value.lua.version)
            self.modules[id(obj)] = value
            self._open.append((obj.payload, _fields(value)))
            return obj
        if isinstance(value, TorchObject):
            return lua.LuaObject(value.torch_typename(), self._value(value._obj))
        if isinstance(value, LuaFunction):
            return lua.LuaFunction(value.dumped)
        table = lua.LuaTable()
        if isinstance(value, (list, tuple, dict)):
            self._open.append((table, list(value) if isinstance(value, tuple) else value))
            return table
        raise _refused(f"a field holds {type(value).__name__}, which Lua doesn't have")

    def _tensor(self, tensor: Tensor) -> lua.LuaTensor:
        kind = _TYPENAMES.get(tensor.dtype)
        if kind is None:
            raise _refused(f"a field is a tensor of {tensor.dtype}, which Lua doesn't have")
        typename = f"torch.{kind}Tensor"
        if not tensor.numel():
            return lua.LuaTensor(typename, (), (), 0, None)
        key = memory_key(tensor)
        if key not in self._made:
            whole = memory_of(tensor)
            payload = lua.ArrayPayload(whole.cpu().numpy())
            storage = lua.LuaStorage(f"torch.{kind}Storage", whole.numel(), payload)
            self._made[key] = storage
            self.memory[id(storage)] = whole
        return lua.LuaTensor(
            typename,
            tuple(tensor.shape),
            tensor.stride(),
            int(tensor.storage_offset()),
            self._made[key],
        )


def _refused(reason: str) -> ConversionError:
    return ConversionError([Problem("load_lua", "", reason)])


def _fields(module: LegacyModule) -> dict[str, Any]:
    """Return the fields of a module as Lua has them, without buffers."""
    kind, found = type(module).__name__, {}
    for name, value in _lasting(module).items():
        field = lua_name(kind, name)
        found[field] = shifted(kind, value, 1) if is_shifted(kind, field) else value
    return found


def _lasting(module: LegacyModule) -> dict[str, Any]:
    """Return the fields that mean something between two calls."""
    buffers = set(module.spec.buffers)
    return {
        name: value
        for name, value in module.__dict__.items()
        if name not in _PASSING and not (name in buffers and isinstance(value, Tensor))
    }


def _check_known(root: LegacyModule) -> None:
    """Refuse modules that are TorchObjects, by name."""
    unknown = [
        Problem(item.torch_typename(), "", "nobody knows this class, so it can't compute")
        for module in root.listModules()
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


def _marks(root: LegacyModule) -> list[object]:
    """Return what changes when something in a module changes that a conversion reads."""
    each = {id(module): module for module in root.listModules()}.values()
    return [
        (id(module), [(name, _mark(value)) for name, value in _lasting(module).items()])
        for module in each
    ]


class Live:
    """The network of a module, as its fields were when it was made."""

    def __init__(self, module: LegacyModule) -> None:
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
        pairs = list(zip(_tensors(result), _tensors(gradient), strict=True))
        pairs = [(output, wanted) for output, wanted in pairs if output.requires_grad]
        torch.autograd.backward([p for p, _ in pairs], [w for _, w in pairs])
        found = _mapped(leaves[0], lambda leaf: leaf.grad)
        self._module.__dict__["gradInput"] = found
        return found


def _parts(converted: Converted, built: Rebuilding) -> list[tuple[nn.Module, LegacyModule]]:
    from t7convert.lua.tree import walk  # noqa: PLC0415

    return [
        (converted.network.get_submodule(converted.modules[tree.path][0]), legacy)
        for tree in walk(converted.tree)
        for legacy in [built.modules.get(id(tree.raw))]
        if legacy is not None and tree.path in converted.modules
    ]


def _keeper(legacy: LegacyModule) -> Any:
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


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [t for item in items for t in _tensors(item)] if isinstance(value, (list, dict)) else []
