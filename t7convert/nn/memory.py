"""Modules that remember from call to call, and what can be asked of a network that holds some.

Sources: Module.lua, AbstractRecurrent.lua, AbstractSequencer.lua and Sequencer.lua of
Element-Research/rnn and of torch/rnn. Memory is no part of the state_dict: it is forgotten when the
network changes device or dtype, and a copy gets it detached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar

import torch
from torch import Tensor, nn

#: Where memory is kept between two calls: both, or in evaluation, in training, in neither only.
MODES = ("both", "eval", "train", "neither")

#: 1 where a sequence is interrupted; False where masking is off.
ZeroMask: TypeAlias = Tensor | Literal[False]

_Module = TypeVar("_Module", bound=nn.Module)


def detached(value: Any) -> Any:
    """Return ``value`` with every tensor in it cut from its graph."""
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, (list, tuple)):
        return [detached(item) for item in value]
    if isinstance(value, dict):
        return {key: detached(item) for key, item in value.items()}
    return value


def template(module: nn.Module, input: Any) -> Tensor:
    """Return a tensor that has the dtype and device of the module's arithmetic."""
    for parameter in module.parameters():
        if parameter.is_floating_point():
            return parameter
    first = input
    while not isinstance(first, Tensor):
        first = first[0]
    return first if first.is_floating_point() else torch.empty(0, device=first.device)


class Memory(nn.Module):
    """Base of the modules that remember from call to call.

    Attributes:
        memory: what was remembered; empty at the start of a sequence.
    """

    memory: dict[str, Any]
    #: How many sequences are running, one inside the other.
    sequences: ClassVar[int] = 0

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.memory = {}

    def keep(self, **state: Any) -> None:
        """Remember; an exported graph does so only between the steps of a sequence inside it."""
        if Memory.sequences or not torch.compiler.is_exporting():
            self.memory.update(state)

    def reset_memory(self) -> None:
        """Forget what this module itself remembers, not what modules inside it do."""
        self.memory = {}

    def detach_memory(self) -> None:
        """Keep the memory but let no gradient flow into the calls that made it."""
        self.memory = detached(self.memory)

    def forget(self: _Module) -> _Module:
        """Start a new sequence, here and in every module inside."""
        return forget(self)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Any:
        self.reset_memory()
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch's is untyped

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "memory": detached(self.memory)}


class Remembering(Memory):
    """A module that takes whole sequences and may go on where its last call ended.

    ``remember`` says when (see :data:`MODES`); switching between training and evaluation forgets.
    """

    def __init__(self, *args: Any, remember: str = "neither") -> None:
        super().__init__(*args)
        self.remember_mode = _checked(remember)

    def remember(self: _Remembering, mode: str = "both") -> _Remembering:
        """Say when memory lasts from call to call; only this module, as in Lua."""
        self.remember_mode = _checked(mode)
        return self

    @property
    def has_memory(self) -> bool:
        """Whether the next call goes on where the last one ended."""
        return self.remember_mode in ("both", "train" if self.training else "eval")

    def train(self: _Remembering, mode: bool = True) -> _Remembering:
        if mode != self.training:
            forget(self)
        super().train(mode)
        return self


_Remembering = TypeVar("_Remembering", bound=Remembering)


def _checked(mode: str) -> str:
    if mode not in MODES:
        raise ValueError(f"memory mode {mode!r}, expected one of {', '.join(MODES)}")
    return mode


def forget(network: _Module) -> _Module:
    """Let every module of ``network`` start a new sequence."""
    for module in network.modules():
        if isinstance(module, Memory):
            module.reset_memory()
    return network


def begin_sequence() -> None:
    """Let modules be stepped through a sequence, also where that is exported."""
    Memory.sequences += 1


def end_sequence(module: nn.Module) -> None:
    """End what :func:`begin_sequence` began; nothing of an export stays in ``module``."""
    Memory.sequences -= 1
    if torch.compiler.is_exporting():
        forget(module)


def detach_memory(network: nn.Module) -> None:
    """Cut the memory of every module of ``network`` from the graph of the calls before."""
    for module in network.modules():
        if isinstance(module, Memory):
            module.detach_memory()


def remember(network: _Module, mode: str = "both") -> _Module:
    """Set the memory mode of the sequence modules of ``network``, the outermost ones only."""
    _down(network, "remember", _checked(mode))
    return network


def set_zero_mask(network: nn.Module, mask: ZeroMask) -> None:
    """Tell the modules of ``network`` where to start anew (torch/rnn's setZeroMask).

    ``mask`` is 1 where a sequence is interrupted: steps x batch for a sequence, batch for a single
    step. False turns masking off.
    """
    _down(network, "set_zero_mask", mask)


def _down(module: nn.Module, method: str, argument: Any) -> None:
    own = getattr(module, method, None)
    if own is not None:
        own(argument)
        return
    for child in module.children():
        _down(child, method, argument)
