"""Stages whose blocks share one spatial convolution, and what keeps the sharing alive.

The published definitions clone one 3x3 convolution into every block of a stage
(``share_convs[#share_convs]:clone('weight', 'bias', ...)``). Here each block has its own
``Conv2d``, named ``conv2``, and those that share hold the same ``nn.Parameter``. So the weight
counts once in ``parameters()``, its gradients add up, and one optimiser step moves it for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from t7convert.errors import CheckpointError

Norm = Callable[[int], nn.Module]


class Block(nn.Module):
    """A residual block. ``conv2`` is its spatial convolution, which ``shares`` says it shares."""

    expansion: ClassVar[int] = 1
    conv2: nn.Conv2d
    shares: bool


class Stage(nn.Sequential):
    """Residual blocks in a row; those that share hold one ``conv2.weight``.

    The sharing outlives ``deepcopy``, ``to``, ``to_empty`` and ``load_state_dict(assign=True)``,
    some of which give every module a new ``Parameter``. Loading values that disagree between the
    blocks is a ``CheckpointError``, raised before anything is changed; PyTorch alone would keep the
    last of them in silence.
    """

    def __init__(self, *blocks: Any) -> None:
        super().__init__(*blocks)
        self.tie()
        # Unbound, because mypy's untyped_calls_exclude goes by the class that is named.
        nn.Module.register_load_state_dict_pre_hook(self, _check_before_loading)
        nn.Module.register_load_state_dict_post_hook(self, _tie_after_loading)

    def tied(self) -> tuple[str, ...]:
        """Return the state_dict keys, within the stage, that are one weight."""
        return tuple(f"{name}.conv2.weight" for name, _ in self._sharing())

    def tie(self) -> None:
        """Give every sharing block the weight of the first one."""
        first: nn.Parameter | None = None
        for _, conv in self._sharing():
            own = dict(conv.named_parameters(recurse=False)).get("weight")
            if own is None:  # parametrised or pruned: no longer a plain weight, so not ours to set
                continue
            if first is None:
                first = own
            elif own is not first:
                conv.weight = first

    def check(self, state: Mapping[str, Any], prefix: str = "") -> None:
        """Raise ``CheckpointError`` if ``state`` holds different values for the shared weight."""
        present = [key for name in self.tied() if (key := prefix + name) in state]
        for one, other in pairwise(present):
            if not _equal(state[one], state[other]):
                raise CheckpointError(
                    f"{one} and {other} are one shared weight here, but the values to load differ; "
                    "a network made with shared=False holds them apart"
                )

    def extra_repr(self) -> str:
        count = len(self.tied())
        return f"one conv2.weight for {count} of {len(self)} blocks" if count > 1 else ""

    def _sharing(self) -> Iterator[tuple[str, nn.Conv2d]]:
        for name, block in self.named_children():
            if isinstance(block, Block) and block.shares:
                yield name, block.conv2

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Stage:
        nn.Module._apply(self, fn, recurse)
        self.tie()
        return self


def _equal(one: Any, other: Any) -> bool:
    if one is other or one.is_meta or other.is_meta:
        return True
    if one.shape != other.shape:
        return False
    other = other.to(one.device)
    return bool(((one == other) | (one.isnan() & other.isnan())).all())


def _check_before_loading(
    stage: nn.Module, state: Mapping[str, Any], prefix: str, *_: object
) -> None:
    if isinstance(stage, Stage):
        stage.check(state, prefix)


def _tie_after_loading(stage: nn.Module, _: object) -> None:
    if isinstance(stage, Stage):
        with torch.no_grad():
            stage.tie()
