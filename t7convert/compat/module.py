"""Modules as ``torch.legacy.nn`` had them: Lua's fields as attributes, and Lua's methods."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from t7convert.compat.casting import Cast
from t7convert.compat.fields import ModuleFields, Origin, every, inside
from t7convert.compat.running import Live


class LegacyModule(ModuleFields):
    """A Lua module: its fields are the attributes; tensors are shared with the network that runs.

    ``forward`` converts the module as its fields say at that time, so that fields may be changed,
    and modules taken out of ``modules`` or put into it.
    """

    __slots__ = ("live",)
    live: Live | None
    modules: list[LegacyModule]

    def __init__(self) -> None:
        self.lua, self.live = Origin(f"nn.{type(self).__name__}", 1), None
        if "modules" not in self.spec.children:
            raise TypeError(f"{self.lua.typename} comes from files only; torch.nn is for new ones")
        self.modules, self.train, self.output, self.gradInput = [], True, None, None

    @classmethod
    def from_lua(cls, typename: str, version: int | float | None) -> LegacyModule:
        """Return a module without fields."""
        made = cls.__new__(cls)
        made.lua, made.live = Origin(typename, version), None
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.lua.typename, self.lua.version), dict(self.__dict__)

    def __setstate__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)

    def listModules(self) -> list[LegacyModule]:  # noqa: N802  the names are Lua's
        """Return this module and all inside, each as often as it stands there."""
        return every(self, LegacyModule)

    def findModules(self, typename: str) -> tuple[list[LegacyModule], list[LegacyModule]]:  # noqa: N802
        """Return the modules of a class (``nn.Linear`` or ``Linear``), and their containers."""
        short = typename.rpartition(".")[2]
        pairs = [(self, self)] if type(self).__name__ == short else []
        for holder in self.listModules():
            pairs += [
                (m, holder) for m in inside(holder, LegacyModule) if type(m).__name__ == short
            ]
        return [module for module, _ in pairs], [holder for _, holder in pairs]

    def apply(self, callback: Callable[[LegacyModule], object]) -> None:
        """Call a function with each module."""
        for module in self.listModules():
            callback(module)

    def training(self) -> None:
        """Let every module compute as in training."""
        self.apply(lambda module: module.__dict__.update(train=True))

    def evaluate(self) -> None:
        """Let every module compute as in evaluation."""
        self.apply(lambda module: module.__dict__.update(train=False))

    @property
    def network(self) -> torch.nn.Module:
        """The converted network that ``forward`` runs; its tensors are those of the fields."""
        return self._running().network

    def _running(self) -> Live:
        if self.live is None or not self.live.is_current():
            self.live = Live(self)
        return self.live

    def forward(self, *inputs: Any) -> Any:
        """Return the output for an input (for a criterion: for an input and a target)."""
        return self._running().forward(*inputs)

    def updateOutput(self, *inputs: Any) -> Any:  # noqa: N802
        """The same as ``forward``."""
        return self.forward(*inputs)

    __call__ = forward

    def backward(self, input: Any, gradOutput: Any) -> Any:  # noqa: N803
        """Return the gradient of the input; ``network``'s parameters get theirs as ``grad``."""
        return self._running().backward(input, gradOutput)

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:  # noqa: N802, N803
        """Return the gradient of the input."""
        return self.backward(input, gradOutput)

    def parameters(self) -> tuple[list[Tensor], list[Tensor | None]]:
        """Return parameters and the file's gradients (or None) in Lua's order."""
        pairs = list(self._parameters())
        return [tensor for tensor, _ in pairs], [gradient for _, gradient in pairs]

    def _parameters(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        spec = self.spec
        if spec.lists is not None and not spec.lists(self.__dict__):
            return
        for name in spec.parameters:
            value = self.__dict__.get(name)
            if isinstance(value, Tensor) and value.numel():
                yield value, self.__dict__.get(f"grad{name[:1].upper()}{name[1:]}")
        for child in inside(self, LegacyModule):
            yield from child._parameters()

    def get(self, index: int) -> LegacyModule:
        """Return a module inside, counted from 0."""
        found: LegacyModule = self.modules[index]
        return found

    def size(self) -> int:
        """Return the number of modules inside."""
        return len(self.modules)

    def __len__(self) -> int:
        return len(self.modules)

    def __bool__(self) -> bool:
        return True

    def add(self, module: LegacyModule) -> LegacyModule:
        """Append a module, and return the container."""
        self.modules.append(module)
        return self

    def insert(self, index: int, module: LegacyModule) -> None:
        """Put a module in at a position, counted from 0."""
        self.modules.insert(index, module)

    def remove(self, index: int = -1) -> LegacyModule:
        """Take out the module at a position, the last by default, and return it."""
        found: LegacyModule = self.modules.pop(index)
        return found

    def type(self, type: str | torch.dtype | None = None) -> Any:
        """Convert all floating tensors, ties kept, and return the module; or return the type."""
        if type is None:
            return self.__dict__.get("_type")
        Cast.to(type).modules(self.listModules())
        return self

    def float(self) -> LegacyModule:
        """Convert to float32."""
        Cast.to("torch.FloatTensor").modules(self.listModules())
        return self

    def double(self) -> LegacyModule:
        """Convert to float64."""
        Cast.to("torch.DoubleTensor").modules(self.listModules())
        return self

    def half(self) -> LegacyModule:
        """Convert to float16."""
        Cast.to("torch.HalfTensor").modules(self.listModules())
        return self

    def cuda(self) -> LegacyModule:
        """Move to the GPU, in float32 as Lua's ``cuda`` did."""
        Cast.to("torch.cuda.FloatTensor").modules(self.listModules())
        return self

    def cpu(self) -> LegacyModule:
        """Move to the CPU."""
        Cast(None, torch.device("cpu")).modules(self.listModules())
        return self

    def clearState(self) -> LegacyModule:  # noqa: N802
        """Forget outputs and buffers."""
        for module in self.listModules():
            for name in ("output", "gradInput", *module.spec.buffers):
                if isinstance(module.__dict__.get(name), Tensor) and not name.startswith("gradW"):
                    module.__dict__[name] = torch.empty(0)
        return self

    def clone(self) -> LegacyModule:
        """Return a copy; what is shared inside stays shared inside."""
        return copy.deepcopy(self)

    def __repr__(self) -> str:
        if "modules" not in self.__dict__:
            return f"nn.{type(self).__name__}"
        rows = [f"({i}): {module!r}" for i, module in enumerate(self.modules)]
        inside = "\n".join(rows).replace("\n", "\n  ")
        return (
            f"nn.{type(self).__name__} {{\n  {inside}\n}}" if rows else f"nn.{type(self).__name__}"
        )


_CLASSES: dict[str, type[LegacyModule]] = {}


def legacy_class(typename: str) -> type[LegacyModule]:
    """Return the class of the modules of a Lua class; ``cudnn.ReLU`` and ``nn.ReLU`` are one."""
    name = typename.rpartition(".")[2]
    if name not in _CLASSES:
        _CLASSES[name] = type(name, (LegacyModule,), {"__module__": "t7convert.compat.nn"})
    return _CLASSES[name]


def _again(typename: str, version: float | None) -> LegacyModule:
    """Make a module anew, for copies and pickles."""
    return legacy_class(typename).from_lua(typename, version)
