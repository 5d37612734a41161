"""Recurrent layers as cuDNN has them: torch.nn's, which give the output alone and may remember.

Parameters are named as in torch.nn, so a ``torch.nn.LSTM`` takes the state_dict as it is.
Source: cudnn.torch RNN.lua.
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from t7convert.nn.memory import Remembering

_Module = TypeVar("_Module", bound=nn.Module)


class _Recurrent(Remembering, nn.RNNBase):
    """What the three layers have in common.

    Args:
        input_size: inputs per step.
        hidden_size: outputs per step and direction.
        num_layers: layers, one upon the other.
        batch_first: whether input and output are batch x steps x features, not steps first.
        dropout: between layers, in training.
        bidirectional: whether a second set of layers runs from the end; outputs are joined.
        skip_input: the first layer's gates get the input itself, no matrix times it.
        remember: "both" to go on where the last call ended, if its batch was as large.
        hidden_input: the hidden state before the first step of every call that remembers nothing,
            layers (times directions) x batch x hidden_size; None for zeros.
        cell_input: the same of an LSTM's cells.
        dtype: of the skipped input's matrices of ones.

    The input may also be ``[packed, batch_sizes]`` as cudnn.RNN:packPaddedSequence makes it; the
    output is packed then. After a call, ``hidden_output`` and ``cell_output`` are the last states.
    """

    hidden_input: Tensor | None
    cell_input: Tensor | None

    def __init__(
        self,
        *arguments: Any,
        skip_input: bool = False,
        remember: str = "neither",
        hidden_input: Tensor | None = None,
        cell_input: Tensor | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(*arguments, remember=remember)
        self.skip_input = skip_input
        self.register_buffer("hidden_input", hidden_input, persistent=False)
        self.register_buffer("cell_input", cell_input, persistent=False)
        if skip_input:
            self._skip(dtype)

    def _skip(self, dtype: torch.dtype | None) -> None:
        """Put ones, which are no parameters, in place of the first layer's input matrices."""
        if self.input_size != self.hidden_size:
            raise ValueError(
                f"skipping the input needs as many inputs ({self.input_size}) as outputs "
                f"({self.hidden_size})"
            )
        one = torch.eye(self.hidden_size, dtype=dtype, device="cpu")
        for name in ("weight_ih_l0", "weight_ih_l0_reverse")[: 1 + self.bidirectional]:
            gates = len(getattr(self, name)) // self.hidden_size
            delattr(self, name)
            self.register_buffer(name, one.repeat(gates, 1), persistent=False)

    @property
    def _flat_weights(self) -> list[Any]:
        """torch keeps a list beside the parameters; this one can't go stale."""
        return [getattr(self, name) for name in self._flat_weights_names]

    @_flat_weights.setter
    def _flat_weights(self, weights: list[Any]) -> None:
        pass

    def train(self: _Module, mode: bool = True) -> _Module:
        nn.Module.train(self, mode)  # cuDNN's layers remember across a change of mode
        return self

    @property
    def hidden_output(self) -> Tensor | None:
        """The hidden states after the last call."""
        return self.memory.get("hidden")

    @property
    def cell_output(self) -> Tensor | None:
        """The cells after the last call, of an LSTM."""
        return self.memory.get("cell")

    def _before(self, batch: int) -> tuple[Tensor | None, Tensor | None]:
        """Return hidden and cell before the first step, None for zeros."""
        if not self.has_memory:
            return self.hidden_input, self.cell_input
        hidden, cell = self.hidden_output, self.cell_output
        if hidden is None or hidden.shape[1] != batch:
            return None, None
        return hidden.detach(), None if cell is None else cell.detach()

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Return the output; ``hx`` takes the place of what is remembered, as torch.nn takes it."""
        sequence = input
        if isinstance(input, Tensor):
            if input.dim() != 3:
                raise RuntimeError(f"3 dimensions expected, the input has {input.dim()}")
            first, batch = input, input.shape[0 if self.batch_first else 1]
        else:
            first, sizes = input
            sequence = PackedSequence(first, torch.as_tensor(sizes).long().cpu())
            batch = int(sizes[0])
        if hx is None:
            layers = self.num_layers * (1 + self.bidirectional)
            zeros = first.new_zeros(layers, batch, self.hidden_size)
            hx = tuple(zeros if state is None else state for state in self._before(batch))
        elif self.mode != "LSTM":
            hx = (hx,)
        if self.mode == "LSTM":
            output, (hidden, cell) = super().forward(sequence, hx)
            after = {"hidden": hidden, "cell": cell}
        else:
            output, hidden = super().forward(sequence, hx[0])
            after = {"hidden": hidden}
        if not torch.compiler.is_exporting():  # an exported graph has no memory
            self.memory = after
        return output if isinstance(output, Tensor) else output.data

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_flat_weight_refs", None)  # weak references, which RNNBase makes anew
        return state

    def extra_repr(self) -> str:
        skip = ", skip_input=True" if self.skip_input else ""
        return f"{super().extra_repr()}{skip}, remember={self.remember_mode!r}"


class LSTM(_Recurrent, nn.LSTM):
    """An LSTM of one or several layers, in one or both directions; see the module's docstring."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        **states: Any,
    ) -> None:
        flags = (True, batch_first, dropout, bidirectional)
        super().__init__(input_size, hidden_size, num_layers, *flags, **states)


class GRU(_Recurrent, nn.GRU):
    """A GRU, which resets the state behind the product; arguments are those of :class:`LSTM`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        **states: Any,
    ) -> None:
        flags = (True, batch_first, dropout, bidirectional)
        super().__init__(input_size, hidden_size, num_layers, *flags, **states)


class RNN(_Recurrent, nn.RNN):
    """A plain recurrent layer; ``nonlinearity`` is tanh or relu, the rest as in :class:`LSTM`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        *,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        **states: Any,
    ) -> None:
        flags = (nonlinearity, True, batch_first, dropout, bidirectional)
        super().__init__(input_size, hidden_size, num_layers, *flags, **states)
