"""torch-rnn's language model, and what applies a network to every step of a batch of sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from t7convert.nn.memory import forget


class MergeSteps(nn.Module):
    """Make one batch of all steps: (batch, steps, ...) to (batch * steps, ...)."""

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(0, 1)


class SplitSteps(nn.Module):
    """Undo :class:`MergeSteps`, for sequences of this many steps."""

    def forward(self, input: Tensor, steps: int) -> Tensor:
        return input.reshape(-1, steps, *input.shape[1:])


class OverSteps(nn.Sequential):
    """A Sequential over batch x steps that may merge the two and split them again."""

    def forward(self, input: Tensor) -> Tensor:
        steps = input.shape[1]
        for layer in self:
            input = layer(input, steps) if isinstance(layer, SplitSteps) else layer(input)
        return input


class TemporalAdapter(nn.Module):
    """Apply a network for (batch, inputs) at every step of (batch, steps, inputs).

    Source: torch-rnn TemporalAdapter.lua.
    """

    def __init__(self, net: OverSteps) -> None:
        super().__init__()
        self.net = net

    def forward(self, input: Tensor) -> Tensor:
        output: Tensor = self.net(input)
        return output


class LanguageModel(nn.Module):
    """Scores of the next token at every step: (batch, steps) tokens, from 1, to batch x steps x V.

    The layers remember, so that a call goes on where the last one ended; :meth:`forget` starts
    anew. ``tokens`` are the texts of tokens 1, 2... where they are known.
    Source: torch-rnn LanguageModel.lua.
    """

    def __init__(self, net: OverSteps, tokens: Mapping[int, str] | None = None) -> None:
        super().__init__()
        self.net = net
        self.tokens = dict(tokens or {})

    def forward(self, input: Tensor) -> Tensor:
        output: Tensor = self.net(input)
        return output

    def forget(self) -> LanguageModel:
        """Let every layer start a new sequence."""
        return forget(self)

    def encode(self, text: str) -> Tensor:
        """Return the tokens of a text, one per character, as a 1-D long tensor.

        Raises:
            KeyError: if a character is no token.
        """
        numbers = {token: number for number, token in self.tokens.items()}
        return torch.tensor([numbers[character] for character in text], dtype=torch.long)

    def decode(self, tokens: Sequence[int] | Tensor) -> str:
        """Return the text of some tokens."""
        return "".join(self.tokens[int(number)] for number in tokens)

    @torch.no_grad()
    def sample(self, length: int, start: str = "", *, temperature: float = 1.0) -> str:
        """Return ``start`` continued to ``length`` tokens, drawn with torch's random numbers.

        A temperature of 0 takes the likeliest token each time. Memory is forgotten before and
        after.
        """
        forget(self)
        drawn = self.encode(start).tolist()
        device = next(self.parameters()).device
        scores = torch.ones(len(self.tokens), device=device)
        if drawn:
            scores = self(torch.tensor([drawn], device=device))[0, -1]
        while len(drawn) < length:
            if temperature == 0:
                number = int(scores.argmax()) + 1
            else:
                chances = (scores.double() / temperature).softmax(0)
                number = int(torch.multinomial(chances, 1)) + 1
            drawn.append(number)
            scores = self(torch.tensor([[number]], device=device))[0, 0]
        forget(self)
        return self.decode(drawn)


class TemporalCrossEntropyCriterion(nn.Module):
    """Cross entropy of (N, T, C) scores for (N, T) classes, from 1; class 0 is ignored.

    The losses are summed; ``batch_average`` divides by N, ``time_average`` by T.
    Source: torch-rnn TemporalCrossEntropyCriterion.lua.
    """

    def __init__(self, batch_average: bool = True, time_average: bool = False) -> None:
        super().__init__()
        self.batch_average, self.time_average = batch_average, time_average

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        if input.dim() != 3 or target.shape != input.shape[:2]:
            raise RuntimeError(
                f"(N, T, C) scores and (N, T) classes expected, got {tuple(input.shape)} and "
                f"{tuple(target.shape)}"
            )
        classes = target.to(input.device).long().reshape(-1) - 1
        loss = functional.nll_loss(
            input.flatten(0, 1).log_softmax(1), classes, ignore_index=-1, reduction="sum"
        )
        if self.batch_average:
            loss = loss / input.shape[0]
        return loss / input.shape[1] if self.time_average else loss

    def extra_repr(self) -> str:
        return f"batch_average={self.batch_average}, time_average={self.time_average}"
