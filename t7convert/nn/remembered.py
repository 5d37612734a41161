"""Gradients of networks in which it matters what memory Lua writes them into.

A Lua module has one ``gradInput``, whatever the number of its calls, and its backward reads the
``output`` of the module before it, which is that of the last call; an in-place module writes its
gradient over the one that it gets. Autograd knows calls, not objects. A network with a
:class:`LuaGradients` runs without autograd and goes back by objects, in evaluation mode; while it
trains, is traced or exported, its gradients are autograd's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from t7convert.nn.going_back import Walk
from t7convert.nn.graph import GraphModule
from t7convert.nn.steps import Pass, Step, rebuilt, shapes, tensors


class LuaGradients:
    """Hooks of a network that hang Lua's way back to its output."""

    def __init__(self, root: Step) -> None:
        self.root = root
        self.now: Pass | None = None
        self._given: Any = None

    def begin(self, module: nn.Module, args: Any) -> None:
        """Pre-hook of the whole network: from here on autograd follows nothing."""
        involved = [*tensors(args[0]), *module.parameters()]
        traced = torch.compiler.is_compiling() or torch._C._is_tracing()
        followed = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in involved)
        if followed and not traced and not module.training:
            self.now, self._given = Pass(), args[0]
            torch.set_grad_enabled(False)

    def end(self, module: nn.Module, args: Any, output: Any) -> Any:
        """Hook of the whole network: its output gets Lua's way back."""
        if self.now is None:
            return None
        passed, given, self.now, self._given = self.now, self._given, None, None
        torch.set_grad_enabled(True)
        if output is None:  # the pass failed
            return None
        walk = Walk(self.root, passed, given)
        inputs = list(tensors(given))
        made = _Back.apply(  # type: ignore[no-untyped-call]  # torch's is untyped
            walk, output, len(inputs), *inputs, *module.parameters()
        )
        return rebuilt(output, iter(made))


@dataclass(eq=False)
class Recorder:
    """Hooks of one module of the network: they note what it got and gave."""

    owner: LuaGradients
    step: Step

    def before(self, module: nn.Module, args: Any) -> None:
        """Pre-hook."""
        passed, step = self.owner.now, self.step
        if passed is None:
            return
        if step.keeps or step.restores:
            copy = rebuilt(args[0], iter([t.clone() for t in tensors(args[0])]))
            passed.kept[id(step)] = passed.kept[id(step), shapes(copy)] = copy
        if isinstance(module, GraphModule):
            passed.inputs[id(step)] = args[0]
            module.values = []

    def after(self, module: nn.Module, args: Any, output: Any) -> None:
        """Hook."""
        passed = self.owner.now
        if passed is None:
            return
        passed.outputs[id(self.step)] = output
        if isinstance(module, GraphModule) and module.values is not None:
            passed.values[id(self.step)], module.values = module.values, None


class _Back(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, walk: Walk, output: Any, count: int, *sources: Tensor) -> Any:
        ctx.walk, ctx.output, ctx.count, ctx.sources = walk, output, count, sources
        return tuple(tensor.detach().clone() for tensor in tensors(output))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        walk = Walk(ctx.walk.root, ctx.walk.passed, ctx.walk.given)
        found = list(tensors(walk.run(rebuilt(ctx.output, iter(gradients)))))
        inputs = ctx.sources[: ctx.count]
        of_inputs = [
            g.reshape(x.shape) if x.is_floating_point() else None
            for x, g in zip(inputs, found, strict=True)
        ]
        of_parameters = [walk.gradients.get(id(p)) for p in ctx.sources[ctx.count :]]
        return None, None, None, *of_inputs, *of_parameters


def remember_gradients(network: nn.Module, root: Step) -> None:
    """Let ``network``, of which ``root`` is the description, go back as Lua does."""
    gradients = LuaGradients(root)
    network.register_forward_pre_hook(gradients.begin)
    for step in root.all():
        recorder = Recorder(gradients, step)
        step.module.register_forward_pre_hook(recorder.before)
        step.module.register_forward_hook(recorder.after)
    network.register_forward_hook(gradients.end, always_call=True)


def of_lua_gradients(hook: Any) -> bool:
    """Tell whether :func:`remember_gradients` hung this hook in: it changes gradients only."""
    return isinstance(getattr(hook, "__self__", None), (LuaGradients, Recorder))
