"""The public functions: what the commands do, for Python. torch is imported where it is needed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t7convert.errors import OutputKindError
from t7convert.files import check_not_read, check_output
from t7convert.lua.counting import count, state_bytes
from t7convert.lua.summary import Summary, summarise
from t7convert.opening import Opened, Source, open_source
from t7convert.options import Arch, Dtype, Plugins, Report, torch_dtype
from t7convert.outputs import check_kind, convert_kind, kind_of

if TYPE_CHECKING:
    from torch import nn

    from t7convert.conversion.convert import Converted


def to_converted(
    source: Source,
    *,
    select: str | None = None,
    until: str | None = None,
    arch: Arch = "auto",
    plugins: Plugins = (),
    allow_missing: bool = False,
) -> Converted:
    """Convert like :func:`to_module` and return the network with its tree and bindings."""
    from t7convert.conversion.network import convert_object
    from t7convert.conversion.plugins import loaded

    opened = open_source(source)
    with loaded(plugins):
        path, obj = opened.model(select)
        with opened.named():
            return convert_object(obj, path, until=until, arch=arch, allow_missing=allow_missing)


def to_module(
    source: Source,
    *,
    select: str | None = None,
    until: str | None = None,
    arch: Arch = "auto",
    plugins: Plugins = (),
    allow_missing: bool = False,
) -> nn.Module:
    """Return the PyTorch network of a Lua Torch file, in evaluation mode.

    Args:
        source: a path, bytes, a binary file object, or an object that ``load`` returned.
        select: path of the model in the file, where it holds several (``model.modules[2]``).
        until: keep the network up to the module at this path (features).
        arch: ``auto`` recognises the ShaResNets and their originals and gives torchvision's names,
            ``sharesnet`` demands one, ``generic`` keeps Lua's structure.
        plugins: files or modules that register converters of their own.
        allow_missing: put a module that raises when called in place of what can't be converted.

    Returns:
        A network that takes what the Lua module took: tensors of the same shape, Lua lists as
        Python lists, indices counted from 1. A weight shared in Lua is one Parameter.

    Raises:
        NotTorch7Error, T7FormatError: if the file can't be read.
        SelectionError, PathError: if the model can't be found.
        ConversionError: listing everything that can't be converted faithfully.
        ArchitectureError: if ``arch="sharesnet"`` and the network is none.
    """
    from t7convert.conversion.flat import attach

    converted = to_converted(
        source,
        select=select,
        until=until,
        arch=arch,
        plugins=plugins,
        allow_missing=allow_missing,
    )
    return attach(converted)


@dataclass(frozen=True)
class Conversion:
    """What :func:`convert` made.

    Attributes:
        target: the file that was written.
        source: the file that was read, if it was a file.
        architecture: ``generic`` or the family that was recognised.
        reason: why no family was recognised.
        parameters: values in all parameters, a shared one counted once.
        parameters_naive: the same with shared ones counted every time.
        tensors: number of distinct parameters.
        ties: groups of state_dict keys that are one tensor.
        missing: what was left out with ``allow_missing``.
        parity: what came of the parity check: ``result`` and figures.
        remark: what the kind of output gives cause to say.
    """

    target: Path
    source: Path | None
    architecture: str
    reason: str
    parameters: int
    parameters_naive: int
    tensors: int
    ties: list[list[str]]
    missing: list[str]
    parity: dict[str, Any]
    remark: str = ""


def convert(
    source: Source,
    out: str | os.PathLike[str],
    *,
    format: str | None = None,
    select: str | None = None,
    until: str | None = None,
    arch: Arch = "auto",
    dtype: Dtype | None = None,
    state_dict_only: bool = False,
    allow_missing: bool = False,
    plugins: Plugins = (),
    force: bool = False,
    progress: Report | None = None,
    verify: bool | None = None,
    into: Source | None = None,
    **options: Any,
) -> Conversion:
    """Convert a Lua Torch file to any kind of output, by suffix, or as ``format`` says.

    ``.pt`` and ``.safetensors`` are what :func:`load_model` reads. The output appears whole or not
    at all. ``dtype`` casts floating tensors; ``options`` are those of some kinds: ``untie``
    (.safetensors), ``input``, ``input_shape`` and ``dynamic`` (.onnx, .pt2 and .py). Only for .pt:
    ``state_dict_only`` writes the bare state_dict; ``progress`` is called with a phase, the bytes
    done and the bytes in all; ``verify`` runs the parity check before anything is written and notes
    its result in the provenance, None runs it where it takes some seconds at most and says
    ``skipped`` otherwise; with ``into`` the network is that of another file, and ``source`` holds
    only its parameters, as ``getParameters()`` returned them. The other arguments are those of
    :func:`to_module`.

    Raises:
        OutputKindError: if there is no such kind, or it has not one of the options.
        SelectionError, CheckpointError: with ``into``, if no vector of ``source`` fits.
        OutputError: if ``out`` exists and ``force`` is false, or is the source.
        ParityError: if the check fails; nothing is written.
    """
    target, opened = Path(out), open_source(source)
    check_not_read(target, [opened.path] if opened.path else [])
    kind = kind_of(out, format)
    check_kind(target, kind, options)
    if kind != "pt":
        only = {
            "state_dict_only": state_dict_only,
            "allow_missing": allow_missing,
            "verify": verify is True,
            "into": into is not None,
        }
        for name in (name for name, used in only.items() if used):
            raise OutputKindError(f"{name} is for .pt, and the output is .{kind}")
        converted, remark = convert_kind(
            opened,
            target,
            kind,
            select=select,
            until=until,
            arch=arch,
            dtype=dtype,
            plugins=plugins,
            force=force,
            **options,
        )
        return _made(target, opened, converted, {"result": "not run"}, remark)
    network_file = opened if into is None else open_source(into)
    read_files = [file.path for file in (opened, network_file) if file.path]
    check_output(target, force=force, sources=read_files)
    path, obj = network_file.model(select)

    from t7convert.conversion.bindings import read_region, reporting
    from t7convert.conversion.flat_files import load_flat_file
    from t7convert.conversion.nesting import room_for
    from t7convert.conversion.network import convert_as, tree_of
    from t7convert.conversion.plugins import loaded
    from t7convert.export.checkpoint import write_checkpoint
    from t7convert.export.provenance import provenance
    from t7convert.parity.proof import prove

    with loaded(plugins):
        with network_file.named():
            tree = tree_of(obj, path, until)
        read = read_region if progress is None else reporting(progress, state_bytes(tree))
        with network_file.named():
            converted = convert_as(tree, arch, allow_missing=allow_missing, read=read)
        with room_for(tree):
            checked = prove(tree, converted, verify, network_file.name)
        with opened.named():
            filled = None if into is None else load_flat_file(converted, opened.root)
    if dtype is not None:
        converted.network.to(torch_dtype(dtype))
    origin = provenance(network_file.root, path, network_file.path)
    origin["parity"] = checked
    if filled is not None:
        origin["parameters"] = provenance(opened.root, filled.path, opened.path)
    if dtype is not None:
        origin["dtype"] = dtype
    if until is not None:
        origin["until"] = until
    write_checkpoint(converted, target, origin, state_dict_only=state_dict_only, force=force)
    return _made(target, opened, converted, checked, "")


def _made(
    target: Path, opened: Opened, converted: Converted, parity: dict[str, Any], remark: str
) -> Conversion:
    from t7convert.nn.missing import MissingModule

    counts = count(converted.tree)
    missing = [m for m in converted.network.modules() if isinstance(m, MissingModule)]
    return Conversion(
        target=target,
        source=opened.path,
        architecture=converted.architecture,
        reason=converted.reason,
        parameters=counts.unique,
        parameters_naive=counts.naive,
        tensors=counts.tensors,
        ties=converted.ties(),
        missing=[f"{m.path}: {m.typename}" for m in missing],
        parity=parity,
        remark=remark,
    )


def load_model(path: str | os.PathLike[str], *, plugins: Plugins = ()) -> nn.Module:
    """Return the network of a .pt or .safetensors file of ours, in evaluation mode, ties kept.

    No code that the file names is imported: the converters of this package (and of ``plugins``)
    build the network from the described architecture.

    Raises:
        CheckpointError: if the file is none of ours, or keys, shapes or tied values don't fit.
        ConversionError: if a class of it has no converter here (its plugin is missing).
    """
    from t7convert.conversion.flat import attach
    from t7convert.export.checkpoint import rebuild
    from t7convert.export.reading import read_output

    content = read_output(Path(path))
    built = rebuild(content["architecture"], content["state_dict"], name=str(path), plugins=plugins)
    return attach(built)


def key_map(
    source: Source, *, select: str | None = None, arch: Arch = "auto", plugins: Plugins = ()
) -> list[dict[str, Any]]:
    """Return one row per state_dict entry: ``path`` of the Lua tensor, ``key``, ``view``.

    Raises:
        ConversionError: listing everything that can't be converted faithfully.
    """
    from t7convert.conversion.network import convert_object
    from t7convert.conversion.plugins import loaded
    from t7convert.export.checkpoint import binding_rows

    with loaded(plugins):
        opened = open_source(source)
        path, obj = opened.model(select)
        with opened.named():
            return binding_rows(convert_object(obj, path, arch=arch, read=None))


def inspect(source: Source, *, select: str | None = None) -> Summary:
    """Return what a Lua Torch file holds: modules, parameters, ties, sizes. Never imports torch.

    Raises:
        NotTorch7Error, T7FormatError: if the file can't be read.
    """
    opened = open_source(source)
    with opened.named():
        return summarise(opened.root, opened.file, select)
