"""Outputs that Lua left in the file: a witness that nobody of this project wrote.

Torch7 keeps every module's last ``output``. Of two neighbours in an nn.Sequential, the first one's
is the input of the second one's. Where the reference confirms that pair with the file's weights,
the converted module has to as well. Where it doesn't, the pair is ``stale``: the weights were
trained on, the run was in training mode, or an in-place module overwrote it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from t7convert.format.objects import Array, LuaTensor
from t7convert.inputs.values import to_tensors
from t7convert.lua.tree import LuaModule, fields_of, walk
from t7convert.nn.memory import forget
from t7convert.parity.compare import difference
from t7convert.parity.report import Row
from t7convert.parity.running import copy_of
from t7convert.parity.side import Side
from t7convert.parity.tolerances import TOLERANCES, Tolerance
from t7convert.reference import Executor

#: Larger outputs cost more time than they prove.
MAX_ELEMENTS = 1 << 21


def check_activations(tree: LuaModule, side: Side) -> Iterator[Row]:
    """Compare the modules with the outputs that the file kept of them."""
    for module, given, kept in _pairs(tree):
        if module.path not in side.modules:
            continue
        expected = _reference(module, given)
        if expected is None or not _agrees(expected, kept):
            note = "the output in the file is not what its weights compute"
            yield Row("activation", module.path, module.typename, "kept", "stale", note=note)
            continue
        found = _network(side, module, given)
        if found is not None:
            yield _row(module, found, expected, kept, side.tolerance)


def _pairs(tree: LuaModule) -> Iterator[tuple[LuaModule, Array, Array]]:
    for parent in walk(tree):
        if parent.spec.name != "nn.Sequential":
            continue
        before: Array | None = None
        for _, child in parent.children():
            after = _kept(child)
            if before is not None and after is not None:
                yield child, before, after
            before = after


def _kept(module: LuaModule) -> Array | None:
    fields = fields_of(module.raw) if module.raw is not None else None
    output = fields.get("output") if fields is not None else None
    if not isinstance(output, LuaTensor) or output.storage is None or not output.size:
        return None
    if output.numel() > MAX_ELEMENTS or output.numel() == 0:
        return None
    with np.errstate(invalid="ignore"):  # memory that Lua never wrote holds any bits
        return np.array(output.numpy(), np.float64)


def _reference(module: LuaModule, given: Array) -> Array | None:
    try:
        output = Executor(np.float64).run(module, given)
    except Exception:  # an output of another run, that this module never saw
        return None
    return output if isinstance(output, np.ndarray) else None


def _agrees(expected: Array, kept: Array) -> bool:
    return difference(kept, expected).relative <= TOLERANCES["float32"].cap


def _network(side: Side, module: LuaModule, given: Array) -> Array | None:
    """Return the converted module's answer; None if a recognised network has no such call."""
    part: Any = side.network.get_submodule(side.modules[module.path][0])
    with torch.no_grad():
        try:
            output = forget(part)(to_tensors(given, dtype=side.dtype, device=side.device))
        except (RuntimeError, ValueError, TypeError, IndexError):
            return None
    found = copy_of(output)
    return found if isinstance(found, np.ndarray) else None


def _row(
    module: LuaModule, found: Array, expected: Array, kept: Array, tolerance: Tolerance
) -> Row:
    gap = difference(found, kept, tolerance.eps)
    own = difference(expected, kept).absolute
    bound = own + tolerance.bound(own, gap.scale)
    ok = not gap.problem and gap.absolute <= bound
    return Row(
        "activation",
        module.path,
        module.typename,
        "kept",
        "ok" if ok else "differs",
        *(gap.absolute, gap.relative, gap.ulps, bound, own),
        *(gap.index, gap.found, gap.expected, gap.problem),
    )
