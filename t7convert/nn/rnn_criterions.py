"""Criterions over sequences, and one that leaves out masked rows.

Each maps (input, target) to a loss. Sources: the Lua files of these names in Element-Research/rnn
and torch/rnn.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from t7convert.nn.rnn_masking import first_tensor, zero_rows
from t7convert.nn.rnn_steps import Masked, Masking


class SequencerCriterion(nn.Module):
    """The sum of a criterion over the steps of input and target; their mean if ``size_average``.

    Both are tensors (steps first), or both lists.
    """

    def __init__(self, criterion: nn.Module, size_average: bool = False) -> None:
        super().__init__()
        self.criterion, self.size_average = criterion, size_average

    def targets(self, input: Any, target: Any) -> Any:
        """Return the target of every step."""
        if isinstance(input, Tensor) and not isinstance(target, Tensor):
            raise TypeError("the input is a tensor, so the target must be one")
        if len(target) != len(input):
            raise ValueError(f"{len(input)} steps of input, {len(target)} of target")
        return target

    def forward(self, input: Any, target: Any) -> Tensor:
        steps = zip(input, self.targets(input, target), strict=True)
        loss: Tensor = sum(self.criterion(x, t) for x, t in steps)
        return loss / len(input) if self.size_average else loss

    def extra_repr(self) -> str:
        return f"size_average={self.size_average}"


class RepeaterCriterion(SequencerCriterion):
    """As :class:`SequencerCriterion`, with one target for all steps."""

    def targets(self, input: Any, target: Any) -> Any:
        return [target] * len(input)


class MaskZeroCriterion(Masked):
    """A criterion over those rows of a batch that aren't masked; zero if none is left.

    Args:
        criterion: the criterion.
        masking: ``zeros`` (rows of zeros in the first input tensor) or ``given``.
        input_dims: dimensions of that tensor without batch (Element-Research/rnn checks them).
    """

    def __init__(
        self, criterion: nn.Module, *, masking: Masking = "zeros", input_dims: int | None = None
    ) -> None:
        super().__init__()
        self.criterion, self.input_dims = criterion, input_dims
        self.masking, self.zero_mask = masking, None

    def mask_of(self, input: Any) -> Tensor | None:
        if self.masking == "zeros" and self.zero_mask is not False:
            mask = zero_rows(input, self.input_dims)
            if mask.dim() == 0:
                raise RuntimeError("an input with a batch dimension expected")
            return mask
        first = first_tensor(input)
        return super().mask_of(first.reshape(len(first), -1))

    def forward(self, input: Any, target: Any) -> Tensor:
        mask = self.mask_of(input)
        if mask is None:
            loss: Tensor = self.criterion(input, target)
            return loss
        rows = (~mask).nonzero().squeeze(1)
        if not len(rows):
            return first_tensor(input)[:0].sum()  # zero, and so is the gradient
        kept: Tensor = self.criterion(_pick(input, rows), _pick(target, rows))
        return kept

    def extra_repr(self) -> str:
        return f"masking={self.masking!r}"


def _pick(value: Any, rows: Tensor) -> Any:
    if isinstance(value, Tensor):
        return value.index_select(0, rows)
    return [_pick(item, rows) for item in value]
