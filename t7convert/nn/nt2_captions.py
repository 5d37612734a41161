"""neuraltalk2's caption model: an image and then tokens through an LSTM, one step at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn


class FeatExpander(nn.Module):
    """Repeat every row ``n`` times, one for each caption of an image.

    Source: neuraltalk2 misc/net_utils.lua.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def forward(self, input: Tensor) -> Tensor:
        if self.n == 1:
            return input
        if input.dim() != 2:
            raise RuntimeError(f"2 dimensions expected, the input has {input.dim()}")
        return input.repeat_interleave(self.n, 0)

    def extra_repr(self) -> str:
        return str(self.n)


class LanguageModel(nn.Module):
    """Log probabilities of the next token at every step of captions of images.

    The input is [images, tokens]: batch x encoding and ``seq_length`` x batch, tokens from 1, 0
    behind the end of a caption. The output is (seq_length + 2) x batch x (vocab_size + 1): image
    and start token take a step each, and the last class is the end. Steps at which no caption goes
    on give zeros.

    ``core`` takes [x, c1, h1, c2, h2, ..] and gives [c1, h1, .., log probabilities].
    Source: neuraltalk2 misc/LanguageModel.lua.
    """

    def __init__(
        self,
        core: nn.Module,
        lookup_table: nn.Module,
        vocab_size: int,
        rnn_size: int,
        num_layers: int,
        seq_length: int,
    ) -> None:
        super().__init__()
        self.core, self.lookup_table = core, lookup_table
        self.vocab_size, self.rnn_size = vocab_size, rnn_size
        self.num_layers, self.seq_length = num_layers, seq_length

    def _start(self, images: Tensor) -> list[Tensor]:
        zeros = images.new_zeros(images.shape[0], self.rnn_size)
        return [zeros] * (2 * self.num_layers)

    def _inputs(self, images: Tensor, tokens: Tensor) -> Iterator[Tensor]:
        """Iterate over what the core gets: images, start tokens, tokens (the first for none)."""
        yield images
        yield self.lookup_table(torch.full_like(tokens[0], self.vocab_size + 1))
        for row in tokens:
            yield self.lookup_table(row.clamp(min=1))

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        images, tokens = input
        if tokens.dim() != 2 or tokens.shape[0] != self.seq_length:
            raise RuntimeError(
                f"tokens of {self.seq_length} steps x batch expected, got {tuple(tokens.shape)}"
            )
        tokens = tokens.long()
        state, outputs = self._start(images), []
        for x in self._inputs(images, tokens):
            *state, scores = self.core([x, *state])
            outputs.append(scores)
        going = torch.cat([tokens.new_ones(2, tokens.shape[1]), tokens]).sum(1) != 0
        return torch.stack(outputs).masked_fill(~going[:, None, None], 0)

    @torch.no_grad()
    def sample(self, images: Tensor, *, temperature: float = 0.0) -> tuple[Tensor, Tensor]:
        """Return captions of images, ``seq_length`` x batch, and their tokens' log probabilities.

        A temperature of 0 takes the likeliest token each time; others draw with torch's random
        numbers. The end token, ``vocab_size + 1``, is not the last: what follows it means nothing.
        """
        token = torch.full(images.shape[:1], self.vocab_size + 1, device=images.device)
        *state, _ = self.core([images, *self._start(images)])
        tokens, chances = [], []
        for _ in range(self.seq_length):
            *state, scores = self.core([self.lookup_table(token), *state])
            if temperature == 0:
                place = scores.argmax(1, keepdim=True)
            else:
                place = torch.multinomial((scores / temperature).exp(), 1)
            token = place[:, 0] + 1
            tokens.append(token)
            chances.append(scores.gather(1, place)[:, 0])
        return torch.stack(tokens), torch.stack(chances)

    def extra_repr(self) -> str:
        return f"vocab_size={self.vocab_size}, seq_length={self.seq_length}"


class LanguageModelCriterion(nn.Module):
    """The mean negative log probability of the tokens of captions, their end included.

    The input is what :class:`LanguageModel` gives, (T + 2) x batch x classes; the target is T x
    batch tokens, 0 for none. Step ``t`` is judged by token ``t - 1``; the first 0 of a caption
    stands for the end, the last class. Source: neuraltalk2 misc/LanguageModel.lua.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        if input.dim() != 3 or target.shape != (input.shape[0] - 2, input.shape[1]):
            raise RuntimeError(
                f"(T + 2, N, C) log probabilities and (T, N) tokens expected, got "
                f"{tuple(input.shape)} and {tuple(target.shape)}"
            )
        tokens = target.to(input.device).long()
        tokens = torch.cat([tokens, torch.zeros_like(tokens[:1])])
        none = tokens == 0
        ends = none & (none.cumsum(0) == 1)
        tokens = tokens.masked_fill(ends, input.shape[2])
        judged = tokens != 0
        picked = input[1:].gather(2, tokens.clamp(min=1).unsqueeze(2) - 1)[..., 0]
        return -(picked * judged).sum() / judged.sum()
