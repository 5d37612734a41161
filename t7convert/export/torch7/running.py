"""Two runs of a followed network, which tell its shapes and which numbers hang on the input."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from t7convert.export.torch7.building import RefusedError
from t7convert.export.torch7.tracing import Shape, Trace


class _Runner(fx.Interpreter):
    """Runs the graph and keeps the shapes of what depends on the input."""

    def __init__(self, module: nn.Module, trace: Trace) -> None:
        super().__init__(module, graph=trace.graph)
        self.seen: dict[fx.Node, Any] = {}
        self._dependent = trace.dependent()

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        self.seen[n] = _shapes(value) if n in self._dependent else value
        return value


def _shapes(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Shape(value.shape)
    if isinstance(value, (list, tuple)) and any(isinstance(item, Tensor) for item in value):
        return tuple(_shapes(item) for item in value)
    return value


def run(trace: Trace, candidates: Iterator[Sequence[Tensor]]) -> None:
    """Run the graph on the first inputs that it takes, and on larger ones.

    Raises:
        RefusedError: if it takes none of them.
    """
    module = plain_copy(trace.network)
    odd = None  # what runs, but doesn't give a batch of results: an operation will say why
    for inputs in candidates:
        found = _run(module, trace, inputs)
        if found is None or (odd is not None and not found.fits):
            continue
        for larger in _larger(inputs):
            again = _run(module, trace, larger)
            if again is not None and again.fits == found.fits:
                odd = inputs, found, again
                break
        if odd is not None and odd[1].fits:
            break
    if odd is None:
        raise RefusedError(
            "no input was found that its forward takes: give one, or the shape of a batch, as "
            "input="
        )
    trace.inputs, trace.expected = tuple(odd[0]), odd[1].output
    trace.runs = odd[1].seen, odd[2].seen


def plain_copy(network: nn.Module) -> nn.Module:
    """Return a copy on the CPU, in float32 and evaluation mode."""
    return copy.deepcopy(network).cpu().float().eval()


@dataclass(frozen=True)
class _Run:
    seen: Mapping[fx.Node, Any]
    output: Any
    fits: bool


def _run(module: nn.Module, trace: Trace, inputs: Sequence[Tensor]) -> _Run | None:
    """Return what each node gave and the output; None where the network doesn't take the input."""
    runner = _Runner(module, trace)
    try:
        with torch.no_grad():
            output = runner.run(*(value.clone() for value in inputs))
    except (RuntimeError, ValueError, IndexError, AssertionError, TypeError):
        return None
    whole = output if isinstance(output, (list, tuple)) else [output]
    tensors = [value for value in whole if isinstance(value, Tensor)]
    fits = all(value.dim() and len(value) == len(inputs[0]) for value in tensors)
    return _Run(runner.seen, output, fits)


def _larger(inputs: Sequence[Tensor]) -> Iterator[Sequence[Tensor]]:
    """Give inputs of a larger batch: with larger sides first, for which not every network is."""
    for more in (32, 0):
        grown = []
        for value in inputs:
            sides = [n + more if axis >= 2 and n > 1 else n for axis, n in enumerate(value.shape)]
            if not value.is_floating_point():
                sides = [n + more for n in value.shape]
            larger = value.new_zeros((len(value) + 1, *sides[1:]))
            grown.append(larger if not value.is_floating_point() else torch.randn_like(larger))
        yield grown
