"""Modules that pass their input on and add the gradient of a loss (neural style)."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd import Function

from t7convert.nn.autograd import apply

Mode = Literal["none", "capture", "loss"]


class _AddLoss(Function):
    """The input; in backward the loss gets the gradient 1, whatever the output's is."""

    @staticmethod
    def forward(input: Tensor, loss: Tensor) -> Tensor:
        return input.view_as(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.shape = inputs[1].shape

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        return grad, grad.new_ones(ctx.shape)


class _Strength(Function):
    """The input; its gradient is normalised to the absolute sum 1, perhaps, and then scaled."""

    @staticmethod
    def forward(input: Tensor, strength: float, normalize: bool) -> Tensor:
        return input.view_as(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, bool], output: Tensor) -> None:
        _, ctx.strength, ctx.normalize = inputs

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        if ctx.normalize:
            grad = grad / (grad.abs().sum() + 1e-8)
        return grad * ctx.strength, None, None


class _Differences(Function):
    @staticmethod
    def forward(input: Tensor, strength: float) -> Tensor:
        return input.view_as(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        input, ctx.strength = inputs
        ctx.save_for_backward(input)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (input,) = ctx.saved_tensors
        corner = input[:, :, :-1, :-1]
        across, down = corner - input[:, :, :-1, 1:], corner - input[:, :, 1:, :-1]
        penalty = torch.zeros_like(input)
        penalty[:, :, :-1, :-1] = across + down
        penalty[:, :, :-1, 1:] -= across
        penalty[:, :, 1:, :-1] -= down
        return grad + ctx.strength * penalty, None


class TotalVariation(nn.Module):
    """The identity of (N, C, H, W); its gradient gains that of the squared differences.

    Those are of every pixel to its right and lower neighbour; pixels of the last row and column
    have none. Source: fast-neural-style TotalVariation.lua.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, input: Tensor) -> Tensor:
        return apply(_Differences, input, self.strength)

    def extra_repr(self) -> str:
        return f"strength={self.strength:g}"


class _Dream(Function):
    @staticmethod
    def forward(input: Tensor, strength: float, most: float) -> Tensor:
        return input.view_as(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, float], output: Tensor) -> None:
        input, ctx.strength, ctx.most = inputs
        ctx.save_for_backward(input)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (input,) = ctx.saved_tensors
        return grad - ctx.strength * input.clamp(-ctx.most, ctx.most), None, None


class DeepDreamLoss(nn.Module):
    """The identity; its gradient loses ``strength`` times the input, clipped to ``max_grad``.

    Source: fast-neural-style DeepDreamLoss.lua.
    """

    def __init__(self, strength: float = 1e-5, max_grad: float = 100.0) -> None:
        super().__init__()
        self.strength, self.max_grad = strength, max_grad

    def forward(self, input: Tensor) -> Tensor:
        return apply(_Dream, input, self.strength, self.max_grad)

    def extra_repr(self) -> str:
        return f"strength={self.strength:g}, max_grad={self.max_grad:g}"


class AddedLoss(nn.Module):
    """The identity; its gradient gains that of ``strength`` times a loss of the input.

    With ``normalize``, the loss's gradient is divided by its absolute sum first.
    """

    def __init__(self, strength: float = 1.0, normalize: bool = False) -> None:
        super().__init__()
        self.strength, self.normalize = strength, normalize

    def measure(self, input: Tensor) -> Tensor | None:
        """Return the loss of the input before ``strength``, or None where there is none."""
        raise TypeError(f"{type(self).__name__} measures nothing")

    def penalty(self, input: Tensor) -> Tensor | None:
        """Return the loss that Lua kept in the module's field ``loss``."""
        loss = self.measure(input)
        return None if loss is None else loss * self.strength

    def forward(self, input: Tensor) -> Tensor:
        loss = self.measure(apply(_Strength, input, self.strength, self.normalize))
        return input if loss is None else apply(_AddLoss, input, loss)

    def extra_repr(self) -> str:
        return f"strength={self.strength:g}, normalize={self.normalize}"


class StyleLoss(AddedLoss):
    """Compare what ``agg`` makes of the input with a target; modes none, capture and loss.

    In mode ``capture`` it becomes the target. A target of one sample is everybody's.
    Source: fast-neural-style StyleLoss.lua, ContentLoss.lua (where ``agg`` is the identity).
    """

    target: Tensor | None

    def __init__(
        self,
        crit: nn.Module,
        strength: float = 1.0,
        mode: Mode = "none",
        target: Tensor | None = None,
        agg: nn.Module | None = None,
    ) -> None:
        super().__init__(strength)
        self.mode = mode
        self.register_buffer("target", target)
        self.agg, self.crit = agg, crit

    def measure(self, input: Tensor) -> Tensor | None:
        if self.mode == "none":
            return None
        found: Tensor = input if self.agg is None else self.agg(input)
        if self.mode == "capture":
            self.target = found.detach().clone()
            return None
        target = self.target
        if target is None:
            raise RuntimeError("there is no target: run in mode capture first")
        if self.agg is not None and len(found) > 1 and len(target) == 1:
            target = target.expand_as(found)
        loss: Tensor = self.crit(found, target)
        return loss

    def extra_repr(self) -> str:
        return f"strength={self.strength:g}, mode={self.mode}"


class ContentLossModule(AddedLoss):
    """Compare the input, (C, H, W) or (N, C, H, W), with a target (N, C, H, W), if there is one.

    Source: AdaIN-style ContentLossModule.lua.
    """

    target: Tensor | None

    def __init__(
        self,
        crit: nn.Module,
        strength: float = 1.0,
        normalize: bool = False,
        target: Tensor | None = None,
    ) -> None:
        super().__init__(strength, normalize)
        self.register_buffer("target", target)
        self.crit = crit

    def measure(self, input: Tensor) -> Tensor | None:
        if self.target is None:
            return None
        found = input.unsqueeze(0) if input.dim() == 3 else input
        if found.shape != self.target.shape:
            shapes = tuple(found.shape), tuple(self.target.shape)
            raise ValueError(f"the shape is {shapes[0]}, expected the target's, {shapes[1]}")
        loss: Tensor = self.crit(found, self.target)
        return loss


class StyleINLossModule(AddedLoss):
    """Compare the input's means and deviations with targets (N, C, 1), if there are any.

    The input is (C, H, W) or (N, C, H, W); for fewer samples than targets the first target counts,
    a single target is everybody's. Source: AdaIN-style StyleINLossModule.lua.

    Args:
        nets: makes means (N, C) of (N, C, H * W), and deviations of what has the mean 0.
        criterions: compare means, and deviations.
        strength, normalize: as of :class:`AddedLoss`.
        targets: mean and deviation.
    """

    target_mean: Tensor | None
    target_std: Tensor | None

    def __init__(
        self,
        nets: tuple[nn.Module, nn.Module],
        criterions: tuple[nn.Module, nn.Module],
        strength: float = 1.0,
        normalize: bool = False,
        targets: tuple[Tensor | None, Tensor | None] = (None, None),
    ) -> None:
        super().__init__(strength, normalize)
        self.register_buffer("target_mean", targets[0])
        self.register_buffer("target_std", targets[1])
        self.mean_net, self.std_net = nets
        self.mean_criterion, self.std_criterion = criterions

    def measure(self, input: Tensor) -> Tensor | None:
        if self.target_mean is None or self.target_std is None:
            return None
        images = input.unsqueeze(0) if input.dim() == 3 else input
        flat = images.flatten(2)
        mean = self.mean_net(flat)
        deviation = self.std_net(flat - mean.view(*flat.shape[:2], 1))
        loss: Tensor = self.mean_criterion(mean, self._fitting(self.target_mean, mean))
        loss = loss + self.std_criterion(deviation, self._fitting(self.target_std, deviation))
        return loss / len(flat)

    @staticmethod
    def _fitting(target: Tensor, found: Tensor) -> Tensor:
        if target.shape[1] != found.shape[1]:
            raise ValueError(f"{found.shape[1]} planes, expected {target.shape[1]}")
        if len(target) > len(found):
            return target[0]
        return target.expand(len(found), -1, 1)


class TVLossModule(AddedLoss):
    """Add a criterion of the input alone. Source: AdaIN-style TVLossModule.lua."""

    def __init__(self, crit: nn.Module, strength: float = 1.0) -> None:
        super().__init__(strength)
        self.crit = crit

    def measure(self, input: Tensor) -> Tensor | None:
        loss: Tensor = self.crit(input)
        return loss


class TVLossCriterion(nn.Module):
    """The sum of ``mse``, against zero, of every tensor that ``crit`` makes of the input.

    Those are the differences of neighbours. Source: AdaIN-style TVLossCriterion.lua.
    """

    def __init__(self, crit: nn.Module, mse: nn.Module) -> None:
        super().__init__()
        self.crit, self.mse = crit, mse

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        losses = [self.mse(found, torch.zeros_like(found)) for found in self.crit(input)]
        return torch.stack(losses).sum()
