"""What the networks of this package have in common: stages, ties, and how they take their input."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from t7convert.residual.sharing import Stage


class StagedNetwork(nn.Module, ABC):
    """A network of stages ``layer1``, ``layer2``..., closed by average pooling and ``fc``.

    Input (N, in_channels, H, W), output (N, num_classes), before SoftMax. As in Lua:

    - in evaluation mode one image (C, H, W) is accepted too and counts as a batch of one, which
      batch normalisation makes of it, but not with shortcuts of type A, whose ``Concat(2)`` would
      join along the height;
    - where pooling leaves more than one pixel, ``View(features):setNumInputDims(3)`` makes rows of
      ``features`` numbers of what there is, and the output has that many more rows.
    """

    avgpool: nn.Module
    fc: nn.Linear
    takes_single: bool = True

    def __init__(self) -> None:
        super().__init__()
        self.stage_count = 0
        nn.Module.register_load_state_dict_pre_hook(self, _check_before_loading)

    def add_stages(self, stages: Iterable[Stage]) -> None:
        """Register the stages as ``layer1``, ``layer2``..., in order."""
        for number, stage in enumerate(stages, start=1):
            self.add_module(f"layer{number}", stage)
            self.stage_count = number

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages in order."""
        found = (getattr(self, f"layer{i}") for i in range(1, self.stage_count + 1))
        return tuple(stage for stage in found if isinstance(stage, Stage))

    def ties(self) -> tuple[tuple[str, ...], ...]:
        """Return the groups of state_dict keys that are one weight, two members at least."""
        groups = (
            tuple(f"layer{number}.{key}" for key in stage.tied())
            for number, stage in enumerate(self.stages, start=1)
        )
        return tuple(group for group in groups if len(group) > 1)

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """Return what goes into the average pooling, (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 3:
            return self._single(x)
        x = self.avgpool(self.features(x))
        scores: Tensor = self.fc(x.reshape(-1, self.fc.in_features))
        return scores

    def _single(self, x: Tensor) -> Tensor:
        if self.training or not self.takes_single:
            needs = "training" if self.training else "a network with shortcuts of type A"
            raise ValueError(f"{needs} takes a batch (N, C, H, W), found 3 dimensions")
        return self.forward(x.unsqueeze(0))


def require_stages(layers: Sequence[int], widths: Sequence[int]) -> None:
    """Raise ``ValueError`` unless there is one width, and a block or more, for every stage."""
    if len(layers) != len(widths) or not layers:
        raise ValueError(f"{len(layers)} stages have {len(widths)} widths, expected one for each")
    for what, values in (("blocks", layers), ("channels", widths)):
        if min(values) < 1:
            raise ValueError(f"stages have {list(values)} {what}, expected 1 or more in each")


def init_convolutions(network: nn.Module, *, fan: str) -> None:
    """Draw every convolution from a normal distribution with variance 2 / (kW * kH * channels).

    ``fan`` says which channels: ``"out"`` as ``ConvInit`` of imagenet/sharesnet.lua, ``"in"`` as
    ``MSRinit`` of wide-residual-networks' utils.lua.
    """
    for module in network.modules():
        # Drawing meta tensors changes nothing, and the first time imports torch._dynamo (a second).
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            channels = module.out_channels if fan == "out" else module.in_channels
            area = module.kernel_size[0] * module.kernel_size[1]
            nn.init.normal_(module.weight, 0.0, math.sqrt(2 / (area * channels)))


def init_linear(linear: nn.Linear) -> None:
    """Draw the weight as ``nn.Linear:reset`` does; the bias is zero, as the definitions set it."""
    bound = 1 / math.sqrt(linear.in_features)
    nn.init.uniform_(linear.weight, -bound, bound)
    nn.init.zeros_(linear.bias)


def _check_before_loading(
    network: nn.Module, state: Mapping[str, Any], prefix: str, *_: object
) -> None:
    # The stages check too, but by then the layers before them would have been loaded.
    if isinstance(network, StagedNetwork):
        for number, stage in enumerate(network.stages, start=1):
            stage.check(state, f"{prefix}layer{number}.")
