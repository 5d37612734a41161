"""One module object at several places of a network: Lua gives it one output buffer.

In Lua a module writes its output into ``self.output``, the same tensor at every call. Where one
object is called several times in a forward pass, the later call overwrites what the earlier one
returned: whoever still reads it, forward or backward, reads the later values. Networks saved like
that were trained like that, so their gradients (and, where an earlier output is read after the
later call, their outputs) are those of the overwritten buffer.

An in-place module has no buffer: its one output object is pointed at the input of the last call.

Source: torch/nn Module.lua (``forward``, ``backward``), Sequential.lua (``updateGradInput`` passes
``previousModule.output``), CAddTable.lua; lib/THNN/generic/SpatialConvolutionMM.c (``finput``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

#: What a module keeps from call to call: an output buffer; that and its unfolded input, which the
#: gradient of its weight is told from; or an object that the last call pointed at its input.
Keeps = Literal["output", "unfolded", "object"]


class OutputBuffer:
    """Forward hook: overwrites what the module returned earlier in the same pass."""

    def __init__(self, keeps: Keeps = "output") -> None:
        self.keeps = keeps
        self.active = False
        self.earlier: list[Tensor] = []
        self.unfolded: list[Tensor] = []
        self.results: list[Tensor] = []

    def before(self, module: nn.Module, args: Any) -> Any:
        """Pre-hook: write what the module writes before it has read all of its input."""
        if not self.active:
            return None
        given, traced = args[0], torch.compiler.is_compiling()
        if self.keeps == "unfolded" and isinstance(given, Tensor) and not traced:
            kept = given.clone()
            for before in _alike(self.unfolded, kept):
                before.data.copy_(kept.data)
            self.unfolded.append(kept)
            return (kept, *args[1:])
        if self.keeps == "output" and isinstance(given, list):
            for buffer in _alike(self.earlier, given[0]):
                if any(_same(entry, buffer, traced) for entry in given[1:]):
                    # a sum copies its first entry, then adds
                    if torch.compiler.is_exporting():
                        buffer.copy_(given[0])
                    else:
                        buffer.data.copy_(given[0].data)
        return None

    def __call__(self, module: nn.Module, args: Any, output: Any) -> None:
        if not self.active or not isinstance(output, Tensor):
            return
        own = output.data  # as Lua does: unnoticed by autograd
        for before in _alike(self.earlier, output):
            if torch.compiler.is_exporting():  # an exported graph can't hide a write from autograd
                before.copy_(output)
            elif self.keeps == "object" and not torch.compiler.is_compiling():
                before.data = own
            else:
                before.data.copy_(own)
                if not torch.compiler.is_compiling():
                    output.data = before.data  # one memory, also for who writes there later
        for result in _alike(self.results, own):
            result.copy_(own)  # what autograd kept of the calls between
        self.earlier.append(output)
        if self.keeps != "object" and not torch.compiler.is_compiling():
            self.results.append(own)

    def begin(self, module: nn.Module, args: Any) -> None:
        """Pre-hook of the whole network."""
        self.clear()
        self.active = True

    def end(self, module: nn.Module, args: Any, output: Any) -> None:
        """Hook of the whole network; keeps its results from later passes."""
        self.clear()
        self.active = False

    def clear(self) -> None:
        """Forget the calls so far."""
        self.earlier, self.unfolded, self.results = [], [], []


def _alike(earlier: Sequence[Tensor], tensor: Tensor) -> Iterator[Tensor]:
    return (before for before in earlier if before.shape == tensor.shape)


def _same(entry: Tensor, buffer: Tensor, traced: bool) -> bool:
    return entry is buffer or (not traced and entry.data_ptr() == buffer.data_ptr())


def output_buffers(network: nn.Module) -> list[OutputBuffer]:
    """Return the buffers of the modules inside ``network``, to be emptied between time steps.

    A sequence copies the outputs of its steps (in training each step has modules of its own).
    """
    hooks = [hook for m in network.modules() for hook in m._forward_hooks.values()]
    return [hook for hook in hooks if isinstance(hook, OutputBuffer)]


def reuse_outputs(
    network: nn.Module, modules: Sequence[nn.Module], keeps: Keeps = "output"
) -> None:
    """Let each of ``modules``, which ``network`` calls several times, have one output."""
    for module in modules:
        buffer = OutputBuffer(keeps)
        network.register_forward_pre_hook(buffer.begin)
        module.register_forward_pre_hook(buffer.before)
        module.register_forward_hook(buffer)
        network.register_forward_hook(buffer.end, always_call=True)
