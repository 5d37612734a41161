"""Criterions whose target names classes, counted from 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from t7convert.nn.criterion_elementwise import Averaged, MSECriterion


def class_positions(target: Tensor | int, input: Tensor) -> Tensor:
    """Return the classes of ``target`` counted from 0, as a 1-D long tensor at the input's place.

    Raises:
        ValueError: if the target has more than one dimension.
    """
    if not isinstance(target, Tensor):
        return torch.full((1,), int(target) - 1, dtype=torch.long, device=input.device)
    if target.dim() > 1:
        raise ValueError(f"expected a target of one dimension, got {target.dim()}")
    return target.detach().to(input.device).long().reshape(-1) - 1


def rows_and_classes(input: Tensor, target: Tensor | int) -> tuple[Tensor, Tensor]:
    """Return the input as a batch and its 0-based classes; one sample reads the first class.

    Raises:
        ValueError: if the input has not one or two dimensions, or the sizes differ.
    """
    classes = class_positions(target, input)
    if input.dim() == 1:
        return input[None], classes[:1]
    if input.dim() != 2:
        raise ValueError(f"expected an input of one or two dimensions, got {input.dim()}")
    if len(classes) != len(input):
        raise ValueError(f"{len(classes)} targets for {len(input)} samples")
    return input, classes


def negative_log_likelihood(
    rows: Tensor, classes: Tensor, weights: Tensor | None, average: bool, ignored: int | None
) -> Tensor:
    """Return the weighted sum of ``-rows[i, classes[i]]``, over the weights' sum if ``average``.

    As in C, a sum of weights that isn't positive gives no gradient, and 0 divides nothing.
    """
    kept = torch.ones_like(classes, dtype=torch.bool) if ignored is None else classes != ignored
    safe = torch.where(kept, classes, torch.zeros_like(classes))
    weight = rows.new_ones(classes.shape) if weights is None else weights.detach()[safe]
    weight = weight * kept
    loss = -(rows.gather(1, safe[:, None])[:, 0] * weight).masked_fill(~kept, 0).sum()
    total = weight.sum()
    if average:
        loss = loss / torch.where(total == 0, torch.ones_like(total), total)
    return torch.where(total > 0, loss, loss.detach())


class ClassNLLCriterion(Averaged):
    """Negative log likelihood of ``(N, classes)`` or ``(classes,)`` log probabilities.

    ``weights`` holds one factor per class; the average is over the weights of the targets. A target
    equal to ``ignore_index`` (1-based too) counts nothing. The target may be a number for one
    sample. Source: torch/nn ClassNLLCriterion.lua, THNN ClassNLLCriterion.c.
    """

    weights: Tensor | None

    def __init__(
        self, weights: Tensor | None = None, size_average: bool = True, ignore_index: int = -100
    ) -> None:
        super().__init__(size_average)
        self.register_buffer("weights", weights)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor | int) -> Tensor:
        rows, classes = rows_and_classes(input, target)
        ignored = self.ignore_index - 1
        return negative_log_likelihood(rows, classes, self.weights, self.size_average, ignored)

    def extra_repr(self) -> str:
        ignored = "" if self.ignore_index == -100 else f"ignore_index={self.ignore_index}"
        return ", ".join(filter(None, (super().extra_repr(), ignored)))


class CrossEntropyCriterion(nn.Module):
    """LogSoftMax and :class:`ClassNLLCriterion`; input and target lose dimensions of size 1.

    So a batch of one is one sample. Source: torch/nn CrossEntropyCriterion.lua.
    """

    def __init__(self, nll: nn.Module | None = None) -> None:
        super().__init__()
        self.nll = ClassNLLCriterion() if nll is None else nll

    def forward(self, input: Tensor, target: Tensor | int) -> Tensor:
        scores = input.squeeze()
        scores = scores if scores.dim() else scores.reshape(1)
        if isinstance(target, Tensor):
            target = target.squeeze()
        loss: Tensor = self.nll(F.log_softmax(scores, -1), target)
        return loss


class SpatialClassNLLCriterion(Averaged):
    """Negative log likelihood per pixel: ``(N, classes, H, W)`` against ``(N, H, W)``.

    Source: torch/nn SpatialClassNLLCriterion.lua, THNN SpatialClassNLLCriterion.c.
    """

    weights: Tensor | None

    def __init__(self, weights: Tensor | None = None, size_average: bool = True) -> None:
        super().__init__(size_average)
        self.register_buffer("weights", weights)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        check_maps(input, target, 4)
        rows = input.movedim(1, -1).reshape(-1, input.shape[1])
        classes = target.detach().long().reshape(-1) - 1
        return negative_log_likelihood(rows, classes, self.weights, self.size_average, None)


def check_maps(input: Tensor, target: Tensor, dims: int) -> None:
    """Check that a batch of score maps and a batch of class maps fit.

    Raises:
        ValueError: if the input has not ``dims`` dimensions, or the sizes differ.
    """
    if input.dim() != dims or target.shape != (*input.shape[:1], *input.shape[2:]):
        raise ValueError(
            f"expected a batch of {dims - 2}-D maps and its classes, got shapes"
            f" {tuple(input.shape)} and {tuple(target.shape)}"
        )


class SpatialCrossEntropyCriterion(nn.Module):
    """LogSoftMax over the channels and :class:`SpatialClassNLLCriterion`.

    Source: cudnn.torch SpatialCrossEntropyCriterion.lua.
    """

    def __init__(self, nll: nn.Module | None = None) -> None:
        super().__init__()
        self.nll = SpatialClassNLLCriterion() if nll is None else nll

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        check_maps(input, target, 4)
        loss: Tensor = self.nll(F.log_softmax(input, 1), target)
        return loss


class VolumetricCrossEntropyCriterion(nn.Module):
    """Cross entropy per voxel: ``(N, classes, T, H, W)`` against ``(N, T, H, W)``.

    Source: cudnn.torch VolumetricCrossEntropyCriterion.lua.
    """

    def __init__(self, scec: nn.Module | None = None) -> None:
        super().__init__()
        self.scec = SpatialCrossEntropyCriterion() if scec is None else scec

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        check_maps(input, target, 5)
        loss: Tensor = self.scec(input.flatten(2, 3), target.flatten(1, 2))
        return loss


class MultiMarginCriterion(Averaged):
    """Sum over the other classes of ``max(0, margin - x[y] + x[i])^p``, over the classes' number.

    ``p`` is 1 or 2; ``weights`` holds one factor per target class; ``size_average`` divides by the
    number of samples. Source: torch/nn MultiMarginCriterion.lua, THNN MultiMarginCriterion.c.
    """

    weights: Tensor | None

    def __init__(
        self,
        p: int = 1,
        weights: Tensor | None = None,
        margin: float = 1,
        size_average: bool = True,
    ) -> None:
        super().__init__(size_average)
        self.p, self.margin = p, margin
        self.register_buffer("weights", weights)

    def forward(self, input: Tensor, target: Tensor | int) -> Tensor:
        rows, classes = rows_and_classes(input, target)
        slack = (self.margin - rows.gather(1, classes[:, None]) + rows).relu()
        loss = slack if self.p == 1 else slack * slack
        if self.weights is not None:
            loss = loss * self.weights[classes][:, None]
        other = classes[:, None] != torch.arange(rows.shape[1], device=rows.device)
        return self.averaged((loss * other).sum() / rows.shape[1], len(rows))

    def extra_repr(self) -> str:
        own = f"p={self.p}, margin={self.margin:g}"
        return ", ".join(filter(None, (own, super().extra_repr())))


class MultiLabelMarginCriterion(Averaged):
    """Hinge between each target class and each other class; the classes of a row end at a 0.

    The target has the shape of the input, ``(N, classes)`` or ``(classes,)``. The sum is divided by
    the number of classes and, with ``size_average``, of samples.
    Source: torch/nn MultiLabelMarginCriterion.lua, THNN MultiLabelMarginCriterion.c.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        if input.dim() not in (1, 2) or input.shape != target.shape:
            raise ValueError(
                f"expected input and target of one shape with one or two dimensions, got"
                f" {tuple(input.shape)} and {tuple(target.shape)}"
            )
        rows = input.reshape(-1, input.shape[-1])
        classes = target.detach().long().reshape(rows.shape) - 1
        listed = (classes >= 0).cumprod(1).bool()
        safe = torch.where(listed, classes, torch.zeros_like(classes))
        is_target = torch.zeros_like(rows).scatter_add(1, safe, listed.to(rows.dtype)) > 0
        slack = (1 - rows.gather(1, safe)[:, :, None] + rows[:, None, :]).relu()
        counted = listed[:, :, None] & ~is_target[:, None, :]
        return self.averaged((slack * counted).sum() / rows.shape[1], len(rows))


class ClassSimplexCriterion(MSECriterion):
    """MSE against the corner of a simplex that stands for the class.

    ``simplex`` is ``(classes, classes)``; the target is a number or a 1-D tensor of classes.
    Source: torch/nn ClassSimplexCriterion.lua.
    """

    simplex: Tensor

    def __init__(self, simplex: Tensor, size_average: bool = True) -> None:
        super().__init__(size_average)
        self.register_buffer("simplex", simplex)

    def forward(self, input: Tensor, target: Tensor | int) -> Tensor:
        return super().forward(input, self.simplex[class_positions(target, input)])

    def predictions(self, input: Tensor) -> Tensor:
        """Return the score of each class, ``(N, classes)``."""
        return input.reshape(-1, input.shape[-1]) @ self.simplex.T

    def top_prediction(self, input: Tensor) -> Tensor:
        """Return the best class of each sample, counted from 1."""
        return self.predictions(input).argmax(1) + 1
