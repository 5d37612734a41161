"""Noise contrastive estimation and logistic regression of Element-Research/dpnn."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from t7convert.nn.criterion_elementwise import Averaged, target_like
from t7convert.nn.criterion_gradient import carry


class NCEModule(nn.Module):
    """An output layer over many classes that learns from ``samples`` noise classes.

    The input is ``[x, target]``, ``(N, in)`` and ``(N,)`` with classes from 1. In evaluation with
    ``normalized`` the output is the softmax (or its logarithm) over all classes. Otherwise it is
    the list of the target's probability ``(N,)``, the noise classes' ``(N, samples)``, and both in
    the noise distribution ``unigrams``. Noise classes are drawn once per batch with
    ``batch_noise``, else per sample. Probabilities are divided by ``Z``, which the first batch sets
    where it isn't positive. Source: dpnn NCEModule.lua.
    """

    unigrams: Tensor

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        unigrams: Tensor,
        normalizer: Tensor,
        samples: int,
        *,
        batch_noise: bool = True,
        normalized: bool = False,
        log_softmax: bool = False,
    ) -> None:
        super().__init__()
        self.samples, self.batch_noise = samples, batch_noise
        self.normalized, self.log_softmax = normalized, log_softmax
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.register_buffer("unigrams", unigrams)
        self.register_buffer("Z", normalizer)

    def forward(self, input: Sequence[Tensor]) -> Tensor | list[Tensor]:
        x, target = input
        if x.dim() != 2 or target.dim() != 1:
            raise ValueError(
                f"expected a batch and its targets, got {tuple(x.shape)} and {tuple(target.shape)}"
            )
        if not self.training and self.normalized:
            scores = F.linear(x, self.weight, self.bias)
            return F.log_softmax(scores, 1) if self.log_softmax else F.softmax(scores, 1)
        wanted = target.long() - 1
        draws = self.samples if self.batch_noise else self.samples * len(x)
        noise = torch.multinomial(self.unigrams, draws, replacement=True)
        noise = noise.expand(len(x), -1) if self.batch_noise else noise.view(len(x), -1)
        of_target = ((x * self.weight[wanted]).sum(1) + self.bias[wanted]).exp()
        if self.batch_noise:
            of_noise = F.linear(x, self.weight[noise[0]], self.bias[noise[0]]).exp()
        else:
            rows = self.weight[noise] @ x[:, :, None]
            of_noise = (rows[:, :, 0] + self.bias[noise]).exp()
        scale = self._normalizer(of_target.detach(), of_noise.detach())
        unigrams = self.unigrams.to(x.dtype)
        return [of_target / scale, of_noise / scale, unigrams[wanted], unigrams[noise]]

    def _normalizer(self, of_target: Tensor, of_noise: Tensor) -> Tensor:
        known = self.get_buffer("Z")
        if not self.batch_noise:
            of_noise = torch.cat((of_target[:, None], of_noise), 1)
        guess = (of_noise.mean() * len(self.weight)).to(known.dtype)
        with torch.no_grad():
            known.copy_(torch.where(known > 0, known, guess))
        return known.clone()

    def extra_repr(self) -> str:
        outputs, inputs = self.weight.shape
        return f"{inputs}, {outputs}, samples={self.samples}, normalized={self.normalized}"


class NCECriterion(Averaged):
    """Loss of :class:`NCEModule`'s output list; the target is ignored.

    1e-7 is added in each denominator, and to the probabilities in the gradient only. The noise
    probabilities' gradients are zero. Source: dpnn NCECriterion.lua.
    """

    def forward(self, input: Sequence[Tensor], target: object = None) -> Tensor:
        of_target, of_noise, noise_of_target, noise_of_noise = (x.detach() for x in input)
        eps, count = 1e-7, of_noise.shape[1]
        below_target = of_target + count * noise_of_target + eps
        below_noise = of_noise + count * noise_of_noise + eps
        right = (of_target / below_target).log().sum()
        loss = -(right + (count * noise_of_noise / below_noise).log().sum())
        slopes = (
            -count * noise_of_target / below_target / (of_target + eps),
            of_noise / below_noise / (of_noise + eps),
        )
        samples = len(of_target)
        gradients = [self.averaged(slope, samples) for slope in slopes]
        gradients += [torch.zeros_like(noise_of_target), torch.zeros_like(noise_of_noise)]
        return carry(self.averaged(loss, samples), list(input), gradients)


def logistic_loss(input: Tensor, target: Tensor) -> Tensor:
    """Return the sum of ``log(1 + exp(-target * input))``."""
    return (1 + (-target_like(target, input) * input).exp()).log().sum()


class BinaryLogisticRegression(Averaged):
    """Logistic loss of targets 1 and -1; ``(N,)`` or ``(N, 1)``.

    Source: dpnn BinaryLogisticRegression.lua.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        for value in (input, target):
            if value.dim() not in (1, 2) or (value.dim() == 2 and 1 not in value.shape):
                raise ValueError(f"expected (N,) or (N, 1), got {tuple(value.shape)}")
        return self.averaged(logistic_loss(input, target), input.numel())


class SpatialBinaryLogisticRegression(Averaged):
    """Half the mean logistic loss of one-channel images, ``(1, H, W)`` or ``(N, 1, H, W)``.

    Without ``size_average`` the sum over the batch of each image's.
    Source: dpnn SpatialBinaryLogisticRegression.lua.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        if input.dim() not in (3, 4) or input.shape[-3] != 1 or input.shape != target.shape:
            raise ValueError(
                f"expected images of one channel, got {tuple(input.shape)}"
                f" and {tuple(target.shape)}"
            )
        pixels = input.shape[-2] * input.shape[-1]
        images = input.shape[0] if input.dim() == 4 else 1
        return self.averaged(logistic_loss(input, target) / (2 * pixels), images)
