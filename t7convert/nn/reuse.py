"""One module object at several places of a network: Lua gives it one output buffer.

In Lua a module writes its output into ``self.output``, the same tensor at every call. Where one
object is called several times in a forward pass, the later call overwrites what the earlier one
returned: whoever still reads it, forward or backward, reads the later values. Networks saved like
that were trained like that, so their gradients (and, where an earlier output is read after the
later call, their outputs) are those of the overwritten buffer.

Source: torch/nn Module.lua (``forward``, ``backward``), Sequential.lua (``updateGradInput`` passes
``previousModule.output``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class OutputBuffer:
    """Forward hook: overwrites what the module returned earlier in the same pass."""

    def __init__(self) -> None:
        self.active = False
        self.earlier: list[Tensor] = []

    def __call__(self, module: nn.Module, args: Any, output: Any) -> None:
        if not self.active or not isinstance(output, Tensor):
            return
        for before in self.earlier:
            if before.shape != output.shape:
                continue
            if torch.compiler.is_exporting():  # an exported graph can't hide a write from autograd
                before.copy_(output)
            else:
                before.data.copy_(output.data)  # as Lua does: unnoticed by autograd
        self.earlier.append(output)

    def begin(self, module: nn.Module, args: Any) -> None:
        """Pre-hook of the whole network."""
        self.active = True
        self.earlier = []

    def end(self, module: nn.Module, args: Any, output: Any) -> None:
        """Hook of the whole network; keeps its results from later passes."""
        self.active = False
        self.earlier = []


def output_buffers(network: nn.Module) -> list[OutputBuffer]:
    """Return the buffers of the modules inside ``network``, to be emptied between time steps.

    A sequence copies the outputs of its steps (in training each step has modules of its own).
    """
    hooks = [hook for m in network.modules() for hook in m._forward_hooks.values()]
    return [hook for hook in hooks if isinstance(hook, OutputBuffer)]


def reuse_outputs(network: nn.Module, modules: Sequence[nn.Module]) -> None:
    """Let each of ``modules``, which ``network`` calls several times, have one output buffer."""
    for module in modules:
        buffer = OutputBuffer()
        network.register_forward_pre_hook(buffer.begin)
        module.register_forward_hook(buffer)
        network.register_forward_hook(buffer.end, always_call=True)
