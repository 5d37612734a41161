"""The ``.pt`` file: a dict that loads with ``weights_only=True``, and the way back to a network.

Keys: ``format`` (name and version), ``state_dict`` (every key, tied ones on one storage),
``architecture`` (JSON text: the module tree as a flat list of nodes), ``bindings`` (rows of Lua
path, state_dict key, view), ``ties`` (groups of keys), ``provenance``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from t7convert import paths
from t7convert.conversion.convert import Converted
from t7convert.conversion.network import convert_as
from t7convert.conversion.plugins import loaded
from t7convert.errors import CheckpointError, first_line
from t7convert.export.saving import save_torch
from t7convert.export.torch7.record import remember_fields
from t7convert.lua import arch
from t7convert.lua.state import State
from t7convert.options import Arch, Plugins

FORMAT = {"name": "t7convert", "version": 1}


def payload(converted: Converted, provenance: dict[str, Any]) -> dict[str, Any]:
    """Return the dict that the file holds."""
    return {
        "format": dict(FORMAT),
        "state_dict": compact_state(converted.network),
        "architecture": architecture_json(converted),
        "bindings": binding_rows(converted),
        "ties": converted.ties(),
        "provenance": provenance,
    }


def architecture_json(converted: Converted) -> str:
    """Return the architecture as JSON text."""
    remember_fields(converted)
    bound = ((origin.storage, origin.geometry) for origin in converted.origins.values())
    nodes = arch.encode(converted.tree, State(bound))
    return json.dumps({"kind": converted.architecture, "nodes": nodes}, separators=(",", ":"))


def binding_rows(converted: Converted) -> list[dict[str, Any]]:
    """Return the bindings as plain rows: Lua path, state_dict key, view, numeric rule."""
    rows = []
    for binding in converted.bindings:
        record = binding.record
        row: dict[str, Any] = {
            "path": paths.join(binding.path, *paths.parse(record.field)),
            "key": binding.key,
            "view": record.view.to_json(),
        }
        if record.transform is not None:
            row["transform"] = record.transform.to_json()
        rows.append(row)
    return rows


def compact_state(network: nn.Module) -> dict[str, Tensor]:
    """Return the state_dict on the CPU, each tensor on a storage of its own size, ties kept."""
    made: dict[int, Tensor] = {}
    state: dict[str, Tensor] = {}
    for key, tensor in network.state_dict(keep_vars=True).items():
        if id(tensor) not in made:
            plain = tensor.detach().cpu()
            small = plain.is_contiguous() and (
                plain.untyped_storage().nbytes() == plain.numel() * plain.element_size()
            )
            made[id(tensor)] = (
                plain if small else plain.clone(memory_format=torch.contiguous_format)
            )
        state[key] = made[id(tensor)]
    return state


def write_checkpoint(
    converted: Converted,
    target: Path,
    provenance: dict[str, Any],
    *,
    state_dict_only: bool = False,
    force: bool = False,
) -> None:
    """Write ``target`` atomically.

    Raises:
        OutputError: if it exists and ``force`` is false, or can't be written.
    """
    content: dict[str, Any] = (
        compact_state(converted.network) if state_dict_only else payload(converted, provenance)
    )
    save_torch(content, target, force=force)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what a ``.pt`` file of ours holds.

    Raises:
        CheckpointError: if it is none.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # zip, pickle and type errors of many kinds
        reason = first_line(error).partition(". ")[0]  # what follows is dangerous advice
        if reason.startswith("Weights only load failed"):
            reason = "it does not load with weights_only=True"
        raise CheckpointError(
            f"{path}: can't be loaded as a PyTorch checkpoint: {reason}"
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("format"), dict):
        raise CheckpointError(
            f"{path}: was not written by t7convert to-pytorch (it may be a bare state_dict, which "
            "names no architecture)"
        )
    if content["format"].get("name") != FORMAT["name"]:
        raise CheckpointError(f"{path}: is of format {content['format']!r}, not of t7convert")
    if content["format"].get("version") != FORMAT["version"]:
        version = content["format"].get("version")
        raise CheckpointError(
            f"{path}: has version {version} of the format, this t7convert reads "
            f"{FORMAT['version']}; update t7convert"
        )
    return content


def rebuild(
    architecture: str,
    state: dict[str, Tensor],
    *,
    name: str,
    plugins: Plugins = (),
) -> Converted:
    """Run the converters on the architecture's shapes and load the state.

    Raises:
        CheckpointError: if keys, shapes or ties don't fit.
        ConversionError: if a class has no converter here (a plugin is missing).
    """
    converted = skeleton(architecture, name=name, plugins=plugins)
    _load_state(converted, state, name)
    return converted


def skeleton(architecture: str, *, name: str, plugins: Plugins = ()) -> Converted:
    """Run the converters on the architecture's shapes; the tensors have no values yet.

    Raises:
        CheckpointError: if the description can't be understood.
        ConversionError: if a class has no converter here (a plugin is missing).
    """
    try:
        described = json.loads(architecture)
        kind: Arch = "generic" if described["kind"] == "generic" else "sharesnet"
        tree = arch.decode(described["nodes"])
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{name}: the architecture can't be understood: {error}") from error
    with loaded(plugins):
        return convert_as(tree, kind, read=None)


def _load_state(converted: Converted, state: dict[str, Tensor], name: str) -> None:
    own = converted.network.state_dict(keep_vars=True)
    missing, unexpected = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    if missing or unexpected:
        raise CheckpointError(
            f"{name}: the state_dict does not fit: missing {missing or 'none'}, "
            f"unexpected {unexpected or 'none'}"
        )
    for keys in converted.ties():
        first = state[keys[0]]
        for key in keys[1:]:
            if not _same(first, state[key]):
                raise CheckpointError(
                    f"{name}: {keys[0]} and {key} are one tensor in this network, but their values "
                    "differ"
                )
    for key, tensor in own.items():
        if tensor.shape != state[key].shape:
            raise CheckpointError(
                f"{name}: {key} has shape {tuple(state[key].shape)}, expected {tuple(tensor.shape)}"
            )
        tensor.data = state[key]


def _same(a: Tensor, b: Tensor) -> bool:
    """Tell whether two tensors are equal bit for bit (NaN included)."""
    if a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride():
        return True
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    raw = [t.contiguous().reshape(-1).view(torch.uint8) for t in (a, b)]
    return torch.equal(raw[0], raw[1])
