"""REINFORCE in Element-Research/dpnn: modules that sample, criterions that reward.

A criterion's forward gives every :class:`Reinforce` module inside its ``module`` a reward; the
backward of those modules then uses it and ignores the gradient that reaches them. Lua did the
first in the criterion's backward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from t7convert.nn.autograd import apply
from t7convert.nn.criterion_elementwise import Averaged
from t7convert.nn.criterion_gradient import carry


def reinforce(network: nn.Module, reward: Tensor) -> None:
    """Give ``reward`` (one number per sample) to every Reinforce module of a network."""
    for module in network.modules():
        if isinstance(module, Reinforce):
            module.reinforce(reward)


class Reinforce(nn.Module):
    """Base of the modules that sample in training, in evaluation too if ``stochastic``.

    Source: dpnn Reinforce.lua.
    """

    reward: Tensor | None

    def __init__(self, stochastic: bool = False) -> None:
        super().__init__()
        self.stochastic = stochastic
        self.reward = None

    @property
    def samples(self) -> bool:
        """Whether the next forward draws."""
        return self.training or self.stochastic

    def reinforce(self, reward: Tensor) -> None:
        """Take the reward for the backward that follows."""
        self.reward = reward.detach()

    def reward_as(self, input: Tensor) -> Tensor:
        """Return the reward in a shape that goes with ``input``.

        Raises:
            RuntimeError: if there is none, or of another number of samples.
        """
        if self.reward is None:
            raise RuntimeError(f"{type(self).__name__} has no reward; call its criterion first")
        reward = self.reward.to(input.dtype)
        if reward.shape == input.shape:
            return reward
        if len(reward) not in (len(input), 1):
            raise RuntimeError(f"{len(reward)} rewards for {len(input)} samples")
        if len(reward) != len(input):  # one sample without a batch dimension
            return reward
        return reward.reshape(-1, *[1] * (input.dim() - 1))

    def extra_repr(self) -> str:
        return "stochastic=True" if self.stochastic else ""


class _Draw(Function):
    """Give the sample; the gradients come from the module, when its reward is known."""

    @staticmethod
    def forward(sample: Tensor, module: Any, *inputs: Tensor) -> Tensor:
        return sample.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.module = inputs[1]
        ctx.save_for_backward(output, *inputs[2:])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        sample, *inputs = ctx.saved_tensors
        return None, None, *ctx.module.gradients(sample, *inputs)


def spread(own: float | Tensor | None, given: Sequence[Tensor], mean: Tensor) -> Tensor:
    """Return a distribution's second parameter: from the input, else the module's own.

    Raises:
        ValueError: if there is neither.
    """
    value = given[0].detach() if given else own
    if value is None:
        raise ValueError("there is no deviation, neither in the input nor of the module")
    return value.to(mean.dtype) if isinstance(value, Tensor) else mean.new_tensor(value)


class ReinforceNormal(Reinforce):
    """Draw from normal distributions around the input; evaluation gives the means.

    The deviation is ``stdev`` (a number, or a tensor of one sample's shape), or the second entry of
    an input ``[mean, stdev]``. Source: dpnn ReinforceNormal.lua.
    """

    stdev: float | Tensor | None

    def __init__(self, stdev: float | Tensor | None = None, stochastic: bool = False) -> None:
        super().__init__(stochastic)
        if isinstance(stdev, Tensor):
            self.register_buffer("stdev", stdev, persistent=False)
        else:
            self.stdev = stdev

    def forward(self, input: Tensor | Sequence[Tensor]) -> Tensor:
        inputs = [input] if isinstance(input, Tensor) else list(input)
        mean = inputs[0].detach()
        sample = mean
        if self.samples:
            sample = torch.randn_like(mean) * spread(self.stdev, inputs[1:], mean) + mean
        return apply(_Draw, sample, self, *inputs)

    def gradients(self, sample: Tensor, mean: Tensor, *given: Tensor) -> list[Tensor]:
        """Return the gradients of the inputs."""
        stdev = spread(self.stdev, given, mean)
        gradients = [-((sample - mean) / stdev / stdev) * self.reward_as(mean)]
        if given:
            cubed = stdev * stdev * stdev + 1e-8
            slope = ((sample - mean).square() - stdev * stdev) / cubed
            gradients.append(-slope * self.reward_as(stdev))
        return gradients


class ReinforceGamma(Reinforce):
    """Draw from gamma distributions whose shapes are the input; evaluation gives the means.

    The scale is ``scale`` (a number, or a tensor of one sample's shape), or the second entry of an
    input ``[shape, scale]``. Source: dpnn ReinforceGamma.lua.
    """

    scale: float | Tensor | None

    def __init__(self, scale: float | Tensor | None = None, stochastic: bool = False) -> None:
        super().__init__(stochastic)
        if isinstance(scale, Tensor):
            self.register_buffer("scale", scale, persistent=False)
        else:
            self.scale = scale

    def forward(self, input: Tensor | Sequence[Tensor]) -> Tensor:
        inputs = [input] if isinstance(input, Tensor) else list(input)
        shape = inputs[0].detach()
        scale = spread(self.scale, inputs[1:], shape)
        sample = (torch.distributions.Gamma(shape, 1.0).sample() if self.samples else shape) * scale
        return apply(_Draw, sample, self, *inputs)

    def gradients(self, sample: Tensor, shape: Tensor, *given: Tensor) -> list[Tensor]:
        """Return the gradients of the inputs."""
        scale = spread(self.scale, given, shape)
        slope = sample.log() - torch.digamma(shape) - scale.log()
        gradients = [-slope * self.reward_as(shape)]
        if given:
            gradients.append(-(sample / scale**2 - shape / scale) * self.reward_as(scale))
        return gradients


class ReinforceBernoulli(Reinforce):
    """Draw zeros and ones with the input's probabilities; evaluation gives the probabilities.

    Source: dpnn ReinforceBernoulli.lua.
    """

    def forward(self, input: Tensor) -> Tensor:
        sample = input.detach()
        if self.samples:
            sample = (torch.rand_like(sample) < sample).to(input.dtype)
        return apply(_Draw, sample, self, input)

    def gradients(self, sample: Tensor, input: Tensor) -> list[Tensor]:
        """Return the gradient of the input."""
        return [-((sample - input) / ((1 - input) * input)) * self.reward_as(input)]


class ReinforceCategorical(Reinforce):
    """Draw one class per row, as a row with a single 1; evaluation gives the probabilities.

    Source: dpnn ReinforceCategorical.lua.
    """

    def forward(self, input: Tensor) -> Tensor:
        sample = input.detach()
        if self.samples:
            index = torch.multinomial(sample, 1)
            sample = torch.zeros_like(sample).scatter(-1, index, 1)
        return apply(_Draw, sample, self, input)

    def gradients(self, sample: Tensor, input: Tensor) -> list[Tensor]:
        """Return the gradient of the input."""
        return [-(sample / (input + 1e-8)) * self.reward_as(input)]


class Reward(Averaged):
    """Base of the criterions whose input is ``[prediction, baseline]`` and whose loss a reward.

    The loss is ``-scale`` times the number of right predictions. ``module`` gets the rewards less
    the baseline; the prediction's gradient is zero, the baseline's that of ``criterion`` between
    baseline and rewards.
    """

    def __init__(
        self, module: nn.Module, criterion: nn.Module, scale: float = 1, size_average: bool = True
    ) -> None:
        super().__init__(size_average)
        self.module, self.criterion, self.scale = module, criterion, scale

    def right(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Tell for each sample whether its prediction is right."""
        raise TypeError(f"{type(self).__name__} says nothing about predictions")

    def forward(self, input: Sequence[Tensor], target: Tensor) -> Tensor:
        prediction, baseline = input
        reward = self.right(prediction.detach(), target).to(prediction.dtype) * self.scale
        count = len(reward)
        reduced = reward - baseline.detach().reshape(reward.shape)
        reinforce(self.module, self.averaged(reduced, count))
        learned = self.criterion(baseline, reward)
        gradients = [torch.zeros_like(prediction), torch.ones_like(learned)]
        return carry(self.averaged(-reward.sum(), count), [prediction, learned], gradients)

    def extra_repr(self) -> str:
        return ", ".join(filter(None, (f"scale={self.scale:g}", super().extra_repr())))


class VRClassReward(Reward):
    """Reward for the right class, counted from 1, of ``(N, classes)`` scores.

    Source: dpnn VRClassReward.lua.
    """

    def right(self, prediction: Tensor, target: Tensor) -> Tensor:
        rows = prediction[None] if prediction.dim() == 1 else prediction
        return rows.argmax(1) + 1 == target.detach().reshape(-1).long()


class BinaryClassReward(Reward):
    """Reward for the right one of two classes: 1 for probabilities above a half, else 0.

    Source: dpnn BinaryClassReward.lua.
    """

    def right(self, prediction: Tensor, target: Tensor) -> Tensor:
        if prediction.dim() != 1:
            raise ValueError(f"expected one probability per sample, got {tuple(prediction.shape)}")
        return (prediction > 0.5) == target.detach().reshape(-1)
