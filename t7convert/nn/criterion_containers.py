"""Criterions made of criterions, and the module that makes a criterion part of a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from t7convert.nn.autograd import apply


class MultiCriterion(nn.Sequential):
    """Weighted sum of criterions of the same input and target.

    Source: torch/nn MultiCriterion.lua.
    """

    def __init__(self, criterions: Iterable[nn.Module], weights: Sequence[float]) -> None:
        super().__init__(*criterions)
        self.weights = list(weights)

    def forward(self, input: Any, target: Any = None) -> Tensor:
        return _total(w * c(input, target) for w, c in zip(self.weights, self, strict=True))

    def extra_repr(self) -> str:
        return f"weights={self.weights}"


class ParallelCriterion(nn.Sequential):
    """Weighted sum of criterions, each of its own element of the input list and the target list.

    With ``repeat_target`` all get the whole target. Source: torch/nn ParallelCriterion.lua.
    """

    def __init__(
        self,
        criterions: Iterable[nn.Module],
        weights: Sequence[float],
        repeat_target: bool = False,
    ) -> None:
        super().__init__(*criterions)
        self.weights = list(weights)
        self.repeat_target = repeat_target

    def forward(self, input: Sequence[Any], target: Any = None) -> Tensor:
        return _total(
            weight * criterion(input[i], target if self.repeat_target else _entry(target, i))
            for i, (weight, criterion) in enumerate(zip(self.weights, self, strict=True))
        )

    def extra_repr(self) -> str:
        repeated = ", repeat_target=True" if self.repeat_target else ""
        return f"weights={self.weights}{repeated}"


def _entry(target: Any, i: int) -> Any:
    """Return an entry of the target list; there is none for criterions without a target."""
    return target[i] if i < len(target) else None


def _total(losses: Iterable[Tensor]) -> Tensor:
    terms = list(losses)
    return torch.stack([term.reshape(()) for term in terms]).sum() if terms else torch.zeros(())


class ModuleCriterion(nn.Module):
    """A criterion of what ``inputModule`` makes of the input and ``targetModule`` of the target.

    Nothing is learned from the target. Source: torch/nn ModuleCriterion.lua.
    """

    def __init__(
        self,
        criterion: nn.Module,
        input_module: nn.Module | None = None,
        target_module: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.criterion = criterion
        self.inputModule = input_module
        self.targetModule = target_module

    def forward(self, input: Any, target: Any = None) -> Tensor:
        if self.inputModule is not None:
            input = self.inputModule(input)
        if self.targetModule is not None:
            with torch.no_grad():
                target = self.targetModule(target)
        loss: Tensor = self.criterion(input, target)
        return loss


class _UnitGradient(torch.autograd.Function):
    @staticmethod
    def forward(loss: Tensor) -> Tensor:
        return loss.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """Keep nothing."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return torch.ones_like(grad)


class CriterionTable(nn.Module):
    """A criterion as a module: the input is the list of input and target.

    Its gradient is that of the loss whatever is asked for: Lua ignored gradOutput.
    Source: torch/nn CriterionTable.lua.
    """

    def __init__(self, criterion: nn.Module) -> None:
        super().__init__()
        self.criterion = criterion

    def forward(self, input: Sequence[Any]) -> Tensor:
        return apply(_UnitGradient, self.criterion(*input))
