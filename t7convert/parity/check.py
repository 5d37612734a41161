"""The parity check: opens both sides, runs the trials, collects the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from t7convert.conversion.convert import Converted
from t7convert.conversion.network import Arch, convert_object, tree_of
from t7convert.conversion.plugins import loaded
from t7convert.errors import T7FormatError
from t7convert.export.checkpoint import read_checkpoint, rebuild
from t7convert.format import load
from t7convert.lua import find
from t7convert.lua.tree import LuaModule, walk
from t7convert.parity.gradients import check_gradients
from t7convert.parity.inputs import Trial, draw, from_file
from t7convert.parity.precision import exact_arithmetic, pick_device
from t7convert.parity.recorded import compare_recorded
from t7convert.parity.report import ParityReport, Row
from t7convert.parity.running import Reference, Side, check_trial, without_reference
from t7convert.parity.state import check_counts, check_ties, check_values
from t7convert.parity.tolerances import TOLERANCES


@dataclass(frozen=True)
class Options:
    """What the check is asked to do; see ``t7convert verify --help``."""

    select: str | None = None
    until: str | None = None
    arch: Arch = "auto"
    plugins: Sequence[str | Path | ModuleType] = ()
    input: Path | None = None
    input_shape: tuple[int, ...] | None = None
    expected: Path | None = None
    seed: int = 0
    device: str = "cpu"
    dtype: str = "float32"
    allow_unchecked: bool = False
    gradients: bool = False


def check_parity(source: Path, output: Path | None, options: Options) -> ParityReport:
    """Compare the network of ``source`` (or of ``output``, made from it) with the Lua module.

    Raises:
        T7Error: if a file can't be read or the network can't be converted.
    """
    with loaded(options.plugins), exact_arithmetic():
        root, parser = _reference_root(source)
        path, obj = find.model(root, options.select)
        until = options.until
        cast: str | None = None
        if output is None:
            own_path, own = find.model(load(source), options.select)
            converted = convert_object(own, own_path, until=until, arch=options.arch)
        else:
            converted, origin = _from_output(output, options)
            until = until or origin.get("until")
            cast = origin.get("dtype")
        tree = tree_of(obj, path, until)
        return _check(tree, converted, source, output, parser, cast, options)


def _reference_root(source: Path) -> tuple[Any, str]:
    """Parse the file for the reference: by torchfile, or by our reader where it can't."""
    try:
        return load(source, reader="torchfile"), "torchfile"
    except T7FormatError as error:
        return load(source), f"t7convert's own reader, since torchfile can't: {error.problem}"


def _from_output(output: Path, options: Options) -> tuple[Converted, dict[str, Any]]:
    content = read_checkpoint(output)
    converted = rebuild(
        content["architecture"],
        content["state_dict"],
        name=str(output),
        plugins=options.plugins,
    )
    return converted, content["provenance"]


def _check(
    tree: LuaModule,
    converted: Converted,
    source: Path,
    output: Path | None,
    parser: str,
    cast: str | None,
    options: Options,
) -> ParityReport:
    rows: list[Row] = list(check_values(tree, converted, cast))
    facts = (check_counts(tree, converted.network), check_ties(tree, converted))
    device = pick_device(options.device)
    dtype: torch.dtype = getattr(torch, options.dtype)
    network = converted.network.to(device=device, dtype=dtype)
    side = Side(network, converted.modules, dtype, device)
    tolerance = TOLERANCES[options.dtype]
    unchecked = without_reference(list(walk(tree)))
    trials = _trials(tree, side, options)
    rows += unchecked
    if not unchecked:
        reference = Reference(tree)
        for number, trial in enumerate(trials):
            try:
                rows += check_trial(reference, side, trial, tolerance)
            except Exception:
                if not number:
                    raise
                continue  # an edge case that the Lua module itself refuses
            if options.gradients and not number:
                rows += check_gradients(tree, converted, side, trial, tolerance)
    if options.expected is not None:
        rows += compare_recorded(options.expected, tree, side, trials[0], tolerance)
    return ParityReport(
        source=str(source),
        output=str(output or ""),
        parser=parser,
        device=str(device),
        dtype=options.dtype,
        seed=None if options.input else options.seed,
        inputs={trial.name: describe(trial.value) for trial in trials},
        rows=tuple(rows),
        facts=facts,
        allow_unchecked=options.allow_unchecked,
    )


def _trials(tree: LuaModule, side: Side, options: Options) -> list[Trial]:
    if options.input is not None:
        return [from_file(options.input)]
    return draw(tree, side.network, options.seed, shape=options.input_shape)


def describe(value: Any) -> str:
    """Return the shapes of a nested value in a few words."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(describe(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {describe(item)}" for key, item in value.items()) + "}"
    return "x".join(map(str, getattr(value, "shape", ()))) or repr(value)
