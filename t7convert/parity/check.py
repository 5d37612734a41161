"""The parity check: opens both sides, runs the trials, collects the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from t7convert.conversion.convert import Converted
from t7convert.conversion.network import convert_object, tree_of
from t7convert.conversion.plugins import loaded
from t7convert.errors import SelectionError, T7Error, T7FormatError
from t7convert.inputs.drawing import Trial, draw, from_file
from t7convert.lua import find
from t7convert.lua.summary import ModuleRow, network_summary
from t7convert.lua.tree import LuaModule, walk
from t7convert.opening import Opened, Source, open_source
from t7convert.options import Arch, Plugins, Report
from t7convert.parity.activations import check_activations
from t7convert.parity.gradients import check_gradients
from t7convert.parity.inputs_graph import draw_for
from t7convert.parity.openers import open_output
from t7convert.parity.opening import Findings, Output
from t7convert.parity.precision import exact_arithmetic
from t7convert.parity.recorded import compare_recorded
from t7convert.parity.reference_side import Reference
from t7convert.parity.report import ParityReport, Row
from t7convert.parity.running import check_trial, without_reference
from t7convert.parity.side import Side, side_of
from t7convert.parity.state import check_counts, check_structure, check_ties, check_values

#: What every provenance of ours has.
WRITER = "t7convert"


@dataclass(frozen=True)
class Options:
    """What the check is asked to do; see ``t7convert verify --help``."""

    select: str | None = None
    until: str | None = None
    arch: Arch = "auto"
    plugins: Plugins = ()
    input: Path | None = None
    input_shape: tuple[int, ...] | None = None
    expected: Path | None = None
    seed: int = 0
    device: str = "cpu"
    dtype: str = "float32"
    allow_unchecked: bool = False
    gradients: bool = False
    progress: Report | None = None


@dataclass(frozen=True)
class Origin:
    """Where the two sides came from, for the report."""

    source: str = "<object>"
    output: str = ""
    parser: str = "t7convert's own reader"
    provenance: Mapping[str, Any] = field(default_factory=dict)


def check_parity(source: Source, output: Path | None, options: Options) -> ParityReport:
    """Compare the network of ``source`` (or of ``output``, made from it) with the Lua module.

    Raises:
        T7Error: if a file can't be read or the network can't be converted.
    """
    with loaded(options.plugins):
        file = open_source(source)
        root, parser = _reference_root(file)
        with file.named():
            path, obj = find.model(root, options.select)
        opened = open_output(output, path, options.plugins) if output is not None else Output()
        until = _until(options.until, opened, path, output)
        with file.named():
            tree = tree_of(obj, path, until)
            converted = opened.converted or _conversion(file, options, until, opened)
        origin = Origin(file.name, str(output or ""), parser, opened.provenance)
        return check_network(tree, converted, options, origin, opened)


def _until(asked: str | None, opened: Output, path: str, output: Path | None) -> str | None:
    """Return where the network ends: as asked, or as the output's provenance says.

    Raises:
        SelectionError: if the two disagree.
    """
    told = opened.provenance.get("until")
    if asked is None or WRITER not in opened.provenance:
        return asked or told
    ours, theirs = (name and name.removeprefix(path).removeprefix(".") for name in (asked, told))
    if ours != theirs:
        holds = f"the network up to {told}" if told else "the whole network"
        advice = f"--until {told}, or without the option" if told else "without --until"
        raise SelectionError(
            f"{output}: holds {holds}, not the part up to {asked}; verify it {advice}"
        )
    return asked


def _conversion(file: Opened, options: Options, until: str | None, opened: Output) -> Converted:
    """Convert the source, in the way in which the output's tensors are named."""
    path, own = file.model(options.select)
    converted = convert_object(own, path, until=until, arch=options.arch)
    tensors = opened.tensors
    if tensors is None or options.arch != "auto" or converted.architecture == "generic":
        return converted
    misfits = tensors.misfits(converted)
    if not misfits:
        return converted
    plain = convert_object(own, path, until=until, arch="generic")
    return plain if tensors.misfits(plain) < misfits else converted


def _reference_root(file: Opened) -> tuple[Any, str]:
    """Parse the file for the reference: by torchfile, or by our reader where it can't."""
    try:
        return file.by_torchfile(), "torchfile"
    except T7FormatError as error:
        return file.root, f"t7convert's own reader, since torchfile can't: {error.problem}"


def check_network(
    tree: LuaModule,
    converted: Converted,
    options: Options,
    origin: Origin | None = None,
    opened: Output | None = None,
    trials: Sequence[Trial] | None = None,
) -> ParityReport:
    """Compare a converted network with the Lua module tree that it stands for.

    ``opened`` is the file that holds the network, if it is in one; ``trials`` are the inputs,
    otherwise they come from ``options``. The network is left in the dtype and on the device of
    the check.
    """
    origin, opened = origin or Origin(), opened or Output()
    with exact_arithmetic():
        found = opened.tensors.compare(converted) if opened.tensors is not None else Findings()
        rows = [*found.rows, *_values(tree, converted, origin, opened, found)]
        facts = [check_counts(tree, converted.network), check_ties(tree, converted)]
        if opened.converted is not None:
            facts.append(check_structure(tree, converted.tree))
        side = side_of(converted, options.dtype, options.device, opened)
        rows += without_reference(list(walk(tree)))
        fits = found.fits and not any(_misshapen(row) for row in rows)
        runs = opened.runs and (fits or opened.network is not None)
        if not runs:
            trials = ()
        elif trials is None:
            try:
                trials = _trials(tree, converted, options, opened)
            except SelectionError as error:
                raise SelectionError(f"{origin.source}: {error}") from error
        if trials and not any(row.status == "unchecked" for row in rows):
            rows += _run(tree, converted, side, trials, options, origin.source)
        if trials and options.expected is not None:
            rows += compare_recorded(options.expected, tree, side, trials[0])
    return ParityReport(
        source=origin.source,
        output=origin.output,
        parser=origin.parser,
        device=str(side.device),
        dtype=side.tolerance.dtype,
        seed=None if options.input else options.seed,
        inputs={trial.name: _told(trial, rows) for trial in trials},
        rows=tuple(rows),
        facts=(*facts, *opened.facts, *found.facts),
        limits=(*opened.limits, *found.limits, *side.limits),
        allow_unchecked=options.allow_unchecked,
        provenance=dict(origin.provenance),
        graph=_graph(tree),
    )


def _values(
    tree: LuaModule, converted: Converted, origin: Origin, opened: Output, found: Findings
) -> list[Row]:
    """Compare the tensors with the file's; those of a conversion only where they are wrong."""
    if not opened.runs and opened.tensors is None:
        return []  # a description has no values
    cast = None if found.complete else origin.provenance.get("dtype") or found.dtype
    rows = list(check_values(tree, converted, cast, found.unfit))
    return [row for row in rows if row.bad] if found.complete else rows


def _misshapen(row: Row) -> bool:
    """Tell whether a tensor has another shape than the file's: this is another network."""
    return row.bad and row.absolute == math.inf and not row.index


def _run(
    tree: LuaModule,
    converted: Converted,
    side: Side,
    trials: Sequence[Trial],
    options: Options,
    name: str,
) -> list[Row]:
    reference = Reference(tree)
    total = len(trials) * sum(1 for _ in walk(tree))
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if options.progress is not None:
            options.progress("comparing", min(done, total), total)

    rows: list[Row] = []
    for number, trial in enumerate(trials):
        try:
            rows += check_trial(reference, side, trial, step)
        except Exception as error:
            if not number:
                if isinstance(error, T7Error):
                    raise
                raise SelectionError(
                    f"{name}: the Lua module does not take this input ({describe(trial.value)})"
                    f"{reference.failed}: {error}"
                ) from error
            continue  # an edge case that the Lua module itself refuses
        if options.gradients and not number and side.differentiable:
            try:
                rows += check_gradients(tree, converted, side, trial)
            except T7Error:
                raise
            except Exception as error:
                raise SelectionError(
                    f"{name}: the backward pass does not take this input "
                    f"({describe(trial.value)}): {error}"
                ) from error
    rows += check_activations(tree, side)
    return rows


def _trials(
    tree: LuaModule, converted: Converted, options: Options, opened: Output
) -> Sequence[Trial]:
    if options.input is not None:
        return [from_file(options.input)]
    if opened.graph is not None:
        shapes = opened.graph.shapes
        return draw_for(shapes, tree, converted.network, options.seed, shape=options.input_shape)
    return draw(tree, converted.network, options.seed, shape=options.input_shape)


def _graph(tree: LuaModule) -> tuple[ModuleRow, ...]:
    return tuple(network_summary(tree).modules)


def _told(trial: Trial, rows: Sequence[Row]) -> str:
    """Describe an input, and say so where nothing was compared on it."""
    compared = any(row.trial == trial.name for row in rows)
    return describe(trial.value) + ("" if compared else ", not compared: refused, or not run")


def describe(value: Any) -> str:
    """Return the shapes of a nested value in a few words."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(describe(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {describe(item)}" for key, item in value.items()) + "}"
    return "x".join(map(str, getattr(value, "shape", ()))) or repr(value)
