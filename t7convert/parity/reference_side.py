"""The Lua side of the check: the reference, and what rounding does to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from t7convert.errors import ConversionError
from t7convert.format.objects import Array
from t7convert.lua.tree import LuaModule
from t7convert.parity.compare import difference, leaves
from t7convert.parity.streams import Stream
from t7convert.reference import Executor, Op
from t7convert.reference.nested import map_arrays

#: Inputs up to this size are measured with, beside the input itself, as often as DRAWS says.
SMALL = 1 << 14
DRAWS = 6


@dataclass(frozen=True)
class Noise:
    """What rounding in float32 does to a tensor.

    Attributes:
        relative: the greatest difference of the float32 from the float64 reference, relative to
            the largest entry.
        scale: the largest entry on any input so far: a sum that cancels on this input is as exact
            as on others.
    """

    relative: float = 0.0
    scale: float = 0.0

    def __or__(self, other: Noise) -> Noise:
        return Noise(max(self.relative, other.relative), max(self.scale, other.scale))


class Reference:
    """The Lua side of the check: runs the tree, and measures what rounding does to it."""

    def __init__(self, tree: LuaModule) -> None:
        self.tree = tree
        self._wide: Executor | None = None
        self._noise: dict[tuple[str, int, int], Noise] = {}
        self._measured = False
        self._elements = 0

    def run(self, value: Any, listener: Callable[[Op, int, list[Noise]], None]) -> None:
        """Run in float64 and report every call; measure rounding, once or for small ones again.

        Args:
            value: the input.
            listener: called after every call, the outermost one last, with its number among the
                module's calls and the noise of each of its tensors.

        Raises:
            ConversionError: if a class has no reference.
            Exception: what the reference raises on an input that the Lua module doesn't take.
        """
        if self._measured and (self._is_small() or self._nothing_measured()):
            self._run(value, None, measure=True)
        if not self._measured:
            self._measure_neighbours(value)
        self._run(value, listener, measure=not self._measured)
        self._measured = True

    @property
    def failed(self) -> str:
        """Where the last run ended by an error, in words; empty if it is not known."""
        module = None if self._wide is None else self._wide.failed
        return (
            f" at {module.path}, a {module.typename}" if module is not None and module.path else ""
        )

    def _nothing_measured(self) -> bool:
        """Tell whether an output was zero throughout, so that it showed no rounding at all."""
        return any(noise.scale == 0 for noise in self._noise.values())

    def _is_small(self) -> bool:
        return self._elements <= SMALL

    def _measure_neighbours(self, value: Any) -> None:
        """Measure small networks near the input too: few numbers may be exact by luck."""
        self._elements = sum(array.size for _, array in leaves(value))
        if not self._is_small():
            return
        rng = np.random.default_rng(0)
        for _ in range(DRAWS):
            with suppress(ConversionError):  # numbers may be indices, which have no neighbours
                self._run(map_arrays(lambda a: _near(a, rng), value), None, measure=True)

    def _run(
        self,
        value: Any,
        listener: Callable[[Op, int, list[Noise]], None] | None,
        *,
        measure: bool,
    ) -> None:
        seen: dict[str, int] = defaultdict(int)

        def heard(call: Op) -> None:
            path = call.module.path
            number = seen[path]
            seen[path] += 1
            if narrow is not None:
                self._measure(call, number, narrow)
            if listener is not None:
                count = len(leaves(call.output))
                found = [self._noise.get((path, number, i), Noise()) for i in range(count)]
                listener(call, number, found)

        self._wide = Executor(np.float64, like=self._wide, listener=heard)
        with ExitStack() as stack:
            narrow = None
            if measure:
                narrow = stack.enter_context(Stream(lambda stream: self._run_narrow(value, stream)))
            with np.errstate(all="ignore"):  # Lua says nothing of infinities either
                self._wide.call(self.tree, self._wide.cast(value))

    def _run_narrow(self, value: Any, stream: Stream) -> None:
        def put(call: Op) -> None:
            stream.put(call.module.path, map_arrays(np.copy, call.output))

        executor = Executor(np.float32, listener=put)
        with np.errstate(all="ignore"):
            executor.call(self.tree, executor.cast(value))

    def _measure(self, call: Op, number: int, narrow: Stream) -> None:
        path = call.module.path
        try:
            low = narrow.take(path, number)
        except KeyError:
            return  # float32 took another way or failed; the floor of the tolerance remains
        pairs = zip(leaves(call.output), leaves(low), strict=False)
        for place, ((_, a), (_, b)) in enumerate(pairs):
            gap = difference(b, a)
            key = (path, number, place)
            self._noise[key] = self._noise.get(key, Noise()) | Noise(gap.relative, gap.scale)


def _near(array: Array, rng: np.random.Generator) -> Array:
    """Return an input that differs by a thousandth, so that everything rounds anew."""
    if array.dtype.kind != "f":
        return array
    return array * (1 + rng.uniform(-1e-3, 1e-3, array.shape))
