"""The check that a conversion makes of itself before it writes anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from t7convert.conversion.convert import Converted
from t7convert.errors import ConversionError, ParityError, SelectionError
from t7convert.inputs.drawing import Trial, draw
from t7convert.inputs.fitting import run_shadow
from t7convert.inputs.shadows import shadow_of
from t7convert.lua.tree import LuaModule, walk
from t7convert.parity.check import Options, Origin, check_network
from t7convert.parity.precision import preserved
from t7convert.parity.report import ParityReport
from t7convert.parity.running import without_reference

#: Multiply-adds of one check that take some seconds on one core; more are not done unasked.
AFFORDABLE = 12e9
#: Parameters beyond which reading them again costs seconds.
AFFORDABLE_PARAMETERS = 60_000_000


def prove(
    tree: LuaModule, converted: Converted, wanted: bool | None, source: str
) -> dict[str, Any]:
    """Check a converted network and return what its provenance says of it.

    ``source`` is what a failure calls the network. With ``wanted`` None, a check that costs too
    much, or can't be made of inputs told from the network, is skipped.

    Raises:
        ParityError: if the check fails, or is demanded and impossible.
    """
    if wanted is False:
        return {"result": "not asked for"}
    demanded = wanted is True
    if not demanded and tree.spec.kind != "module":
        return _skipped("a criterion is checked with an input of yours")
    try:
        trials = draw(tree, converted.network, 0)
    except SelectionError as error:
        if demanded:
            raise
        return _skipped(str(error))
    if not demanded:
        reason = _too_dear(tree, converted, trials)
        if reason:
            return _skipped(reason)
    try:
        with preserved(converted.network):
            origin = Origin(source)
            report = check_network(tree, converted, Options(), origin, trials=trials)
            if not report.ok:
                # a deep or chaotic network turns the rounding of float32 into anything; what is
                # wrong with the conversion is wrong in float64 too
                double = Options(dtype="float64")
                report = check_network(tree, converted, double, origin, trials=trials)
    except ConversionError as error:
        if demanded:
            raise
        return _skipped(str(error))
    if not report.ok:
        raise ParityError(str(report))
    return record_of(report)


def record_of(report: ParityReport) -> dict[str, Any]:
    """Return a report in the few words that a provenance keeps."""
    outputs = [row for row in report.rows if row.kind in ("output", "final")]
    return {
        "result": "passed" if report.ok else "failed",
        "compared": report.compared,
        "inputs": dict(report.inputs),
        "seed": report.seed,
        "dtype": report.dtype,
        "device": report.device,
        "largest_relative_difference": max((row.relative for row in outputs), default=0.0),
    }


def _skipped(reason: str) -> dict[str, Any]:
    return {"result": "skipped", "reason": reason}


def _too_dear(tree: LuaModule, converted: Converted, trials: list[Trial]) -> str:
    if without_reference(list(walk(tree))):
        return "a class of this network has no reference"
    if sum(p.numel() for p in converted.network.parameters()) > AFFORDABLE_PARAMETERS:
        return "the network has too many parameters for a check by the way"
    if estimated_cost(converted.network, trials) > AFFORDABLE:
        return "the network is too large for a check by the way"
    return ""


def estimated_cost(network: nn.Module, trials: Sequence[Trial]) -> float:
    """Return about how many multiply-adds the network makes of the inputs.

    A layer with weights makes one per weight and position, another one per output.
    """
    cost = 0.0

    def hook(module: nn.Module, args: Any, output: Any) -> None:
        nonlocal cost
        weights = sum(p.numel() for p in module.parameters(recurse=False))
        if isinstance(output, torch.Tensor) and output.dim():
            channels = output.shape[1] if output.dim() > 2 else output.shape[-1]
            cost += (weights / max(channels, 1) + 1) * output.numel()

    shadow = shadow_of(network)
    for module in shadow.modules():
        module.register_forward_hook(hook)
    for trial in trials:
        try:
            run_shadow(shadow, trial.value)
        except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError):
            continue  # no shapes can be told: small, or refused; the check itself will say
    return cost
