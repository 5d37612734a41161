"""The inputs of a parity check: drawn from a seed, or taken from a file."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from t7convert.errors import SelectionError
from t7convert.format import load
from t7convert.format.objects import LuaTable
from t7convert.lua.fields import FieldReader
from t7convert.lua.tree import LuaModule, walk
from t7convert.nn.memory import forget
from t7convert.parity.geometry import ANY, Leaf, Spec
from t7convert.parity.geometry_packages import spec_of
from t7convert.parity.values import to_arrays, to_tensors

#: (T, H, W) that are tried in turn. Not square first, so that a swap of H and W can't hide.
SIZES = (
    *((6, 40, 56), (8, 64, 96), (16, 224, 288), (5, 224, 224), (6, 32, 32), (6, 64, 64)),
    *((6, 28, 28), (6, 96, 96), (6, 128, 128), (6, 227, 227), (6, 231, 231), (6, 299, 299)),
    *((6, 48, 48), (6, 16, 16), (6, 36, 36), (6, 46, 46), (6, 50, 50), (6, 256, 256)),
    *((6, 20, 20), (6, 24, 24), (6, 80, 80), (6, 112, 112), (6, 8, 8), (16, 112, 112)),
    *(
        (6, 66, 200),
        (6, 320, 320),
        (6, 512, 512),
        (20, 12, 12),
        (40, 100, 100),
        (100, 60, 60),
        (6, 331, 331),
    ),
)


@dataclass(frozen=True)
class Trial:
    """One input: its name in the report, and its value (arrays, lists, dicts)."""

    name: str
    value: Any


def from_file(path: Path) -> Trial:
    """Return the input that a file holds: .t7, .npy, .pt, .png or .jpg.

    A .t7 table with an ``input`` (a recorded input and output) gives that.
    """
    suffix = path.name.lower().removesuffix(".xz").removesuffix(".gz").rpartition(".")[2]
    if suffix == "npy":
        value: Any = np.load(path)
    elif suffix in ("pt", "pth"):
        value = to_arrays(torch.load(path, map_location="cpu", weights_only=True))
    elif suffix in ("png", "jpg", "jpeg"):
        value = _image(path)
    else:
        root = load(path)
        value = to_arrays(root["input"] if isinstance(root, LuaTable) and "input" in root else root)
    return Trial(path.name, value)


def _image(path: Path) -> Any:
    from PIL import Image  # noqa: PLC0415  an optional extra

    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"), np.float64) / 255
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]


def draw(
    tree: LuaModule,
    network: nn.Module,
    seed: int,
    *,
    shape: Sequence[int] | None = None,
    batch: int = 2,
) -> list[Trial]:
    """Return inputs of the network's own geometry: a batch, one sample, one without batch.

    Raises:
        SelectionError: if the geometry can't be told; ``--input`` or ``--input-shape`` help.
    """
    rng = np.random.default_rng(seed)
    if shape is not None:
        spec = spec_of(tree)
        high = spec.high if isinstance(spec, Leaf) else 0
        leaf = Leaf(tuple(shape), high=high, batched=False)
        return [Trial("given shape", _draw(leaf, (1, 1, 1), 0, rng))]
    spec, size = _fitting(spec_of(tree) or Leaf((3, 4, 5)), tree, network, batch)
    if size is None:
        raise SelectionError(
            "the geometry of the network's input can't be told from its modules; give an input "
            "with --input FILE, or its shape with --input-shape"
        )
    trials = [Trial(f"batch of {batch}", _draw(spec, size, batch, rng))]
    if _is_batched(spec):
        trials.append(Trial("one sample", _draw(spec, size, 1, rng)))
        # Lua gives numbers without a meaning where a definition of models refuses a lone image.
        if getattr(network, "takes_single", True):
            trials.append(Trial("without batch", _draw(_unbatched(spec), size, 0, rng)))
    return trials


def _fitting(
    spec: Spec, tree: LuaModule, network: nn.Module, batch: int
) -> tuple[Spec, tuple[int, int, int] | None]:
    """Return the first reading of ``spec`` that the network runs with, and the free sizes."""
    for reading in _readings(spec, tree):
        lone = [_unbatched(reading)] if _is_batched(reading) else []
        for way in (reading, *lone):  # some modules take three dimensions only
            size = _fitting_size(way, network, batch)
            if size is not None:
                return way, size
    return spec, None


def _readings(spec: Spec, tree: LuaModule) -> Iterator[Spec]:
    """Yield the spec; then with what any module takes or gives, where nothing was known."""
    yield spec
    if isinstance(spec, list) and any(leaf is ANY for leaf in _leaves(spec)):
        sizes = {
            n for m in walk(tree) if "weight" in m.fields for n in FieldReader(m).shape("weight")
        }
        for size in sorted(sizes)[:20]:
            known = Leaf((size,))
            yield _map(spec, partial(_replaced, known))


def _replaced(known: Leaf, leaf: Leaf) -> Leaf:
    return known if leaf is ANY else leaf


def _leaves(spec: Spec) -> Iterator[Leaf]:
    if isinstance(spec, Leaf):
        yield spec
    else:
        for item in spec:
            yield from _leaves(item)


def _is_batched(spec: Spec) -> bool:
    return all(leaf.batched for leaf in _leaves(spec))


def _map(spec: Spec, change: Callable[[Leaf], Any]) -> Any:
    if isinstance(spec, Leaf):
        return change(spec)
    return [_map(item, change) for item in spec]


def _unbatched(spec: Spec) -> Spec:
    return _map(spec, lambda leaf: replace(leaf, batched=False))


def _shape(leaf: Leaf, size: tuple[int, int, int], batch: int) -> tuple[int, ...]:
    free = dict(zip("THW", size, strict=True))
    dims = tuple(free[d] if isinstance(d, str) else d for d in leaf.dims)
    return (batch, *dims) if leaf.batched else dims


def _draw(spec: Spec, size: tuple[int, int, int], batch: int, rng: np.random.Generator) -> Any:
    def one(leaf: Leaf) -> Any:
        shape = _shape(leaf, size, batch)
        if leaf.high:
            return rng.integers(1, leaf.high + 1, shape)
        return rng.standard_normal(shape)

    return _map(spec, one)


def _fitting_size(spec: Spec, network: nn.Module, batch: int) -> tuple[int, int, int] | None:
    """Return the first size that the network runs with, one answer per sample if there is one."""
    free = any(isinstance(d, str) for leaf in _leaves(spec) for d in leaf.dims)
    shadow = shadow_of(network)
    second: tuple[int, int, int] | None = None
    sizes: Sequence[tuple[int, int, int]] = SIZES if free else SIZES[:1]
    if {d for leaf in _leaves(spec) for d in leaf.dims if isinstance(d, str)} == {"T"}:
        sizes = (*SIZES, *((length, 32, 32) for length in range(4, 301)))
    for number, size in enumerate(sizes):
        if number == len(SIZES) and second is not None:
            break  # every length is tried only where none of the common ones would do
        rows = _answers(spec, size, batch, shadow)
        if rows is None and shadow is not network and size[1] * size[2] <= 224 * 288:
            rows = _answers(spec, size, batch, network) if _small(network) else None
        if rows == batch or (rows is not None and not _is_batched(spec)):
            return size
        if rows is not None and second is None:
            second = size
    return second


def shadow_of(network: nn.Module) -> nn.Module:
    """Return a copy of the network that computes shapes only."""
    tensors = [*network.parameters(), *network.buffers()]
    memo = {id(t): torch.empty_like(t, device="meta") for t in tensors}
    for parameter in network.parameters():
        memo[id(parameter)] = nn.Parameter(memo[id(parameter)], requires_grad=False)
    shadow: nn.Module = copy.deepcopy(network, memo)
    for module in list(shadow.modules()):
        for name, child in module.named_children():
            if isinstance(child, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
                # it keeps the shape, and costs seconds: its shadow imports PyTorch's compiler
                setattr(module, name, nn.Identity())
    return shadow


def _small(network: nn.Module) -> bool:
    return sum(p.numel() for p in network.parameters()) < 2_000_000


def _answers(spec: Spec, size: tuple[int, int, int], batch: int, network: nn.Module) -> int | None:
    """Return how many answers the network gives to a batch, None if it can't take this size."""
    try:
        output = run_shadow(network, _draw(spec, size, batch, np.random.default_rng(0)))
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError, AttributeError):
        return None  # NotImplementedError is a RuntimeError
    while isinstance(output, (list, tuple)) and output:
        output = output[0]
    if not isinstance(output, torch.Tensor) or 0 in output.shape:
        return None
    return int(output.shape[0]) if output.dim() else 1


def run_shadow(network: nn.Module, value: Any) -> Any:
    """Return the network's output on arrays, in the dtype and on the device of its parameters."""
    parameter = next(network.parameters(), None)
    with torch.no_grad():
        return forget(network)(_like(to_tensors(value), parameter))


def _like(value: Any, parameter: torch.Tensor | None) -> Any:
    if isinstance(value, list):
        return [_like(item, parameter) for item in value]
    if parameter is None:
        return value
    if value.is_floating_point():
        return value.to(device=parameter.device, dtype=parameter.dtype)
    return value.to(parameter.device)
