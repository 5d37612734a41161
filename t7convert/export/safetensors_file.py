"""``.safetensors``: any reader gets the weights, ``load_model`` gets the network.

A tie is stored once, under its first name; the metadata (strings, JSON) holds the other names, the
architecture, the bindings and the provenance. The format refuses names that share memory, hence
``untie``: every name with a copy of its own, for tools that know nothing of aliases.

The file is written as a stream. The format (https://github.com/safetensors/safetensors): eight
bytes with the header's length, the header as JSON, the tensors one after another.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from t7convert.conversion.convert import Converted
from t7convert.errors import CheckpointError
from t7convert.export.checkpoint import FORMAT, architecture_json, binding_rows
from t7convert.export.streaming import Stream, streams
from t7convert.files import in_utf8, replacing

_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_ALIGN = 8


def write_safetensors(
    converted: Converted,
    target: Path,
    provenance: dict[str, Any],
    *,
    dtype: torch.dtype | None = None,
    untie: bool = False,
    force: bool = False,
) -> int:
    """Write ``target`` atomically; return the bytes that ``untie`` cost.

    Raises:
        OutputError: if it exists and ``force`` is false, or can't be written.
    """
    entries: list[tuple[str, Stream]] = []
    aliases: dict[str, str] = {}
    cost = 0
    for stream in streams(converted, dtype):
        entries.append((stream.keys[0], stream))
        for key in stream.keys[1:]:
            if untie:
                entries.append((key, stream))
                cost += stream.nbytes
            else:
                aliases[key] = stream.keys[0]
    metadata = {
        "format": "pt",
        "t7convert": json.dumps(FORMAT),
        "aliases": json.dumps(aliases),
        "architecture": architecture_json(converted),
        "bindings": json.dumps(binding_rows(converted)),
        "ties": json.dumps(converted.ties()),
        "provenance": json.dumps(provenance),
    }
    with replacing(target, force=force) as beside, beside.open("wb") as file:
        _write(file, entries, metadata)
    return cost


def _write(file: BinaryIO, entries: list[tuple[str, Stream]], metadata: dict[str, str]) -> None:
    header: dict[str, Any] = {"__metadata__": metadata}
    offset = 0
    for key, stream in entries:
        stop = offset + stream.nbytes
        header[key] = {
            "dtype": _DTYPES[stream.dtype],
            "shape": list(stream.shape),
            "data_offsets": [offset, stop],
        }
        offset = stop
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGN)
    file.write(len(text).to_bytes(8, "little"))
    file.write(text)
    for _, stream in entries:
        for piece in stream.pieces():
            file.write(piece)


def read_safetensors(path: Path) -> dict[str, Any]:
    """Return what a file of ours holds, in the form of ``read_checkpoint``; ties on one storage.

    Raises:
        CheckpointError: if it is none, or the package safetensors is not installed.
    """
    try:
        from safetensors import SafetensorError, safe_open  # noqa: PLC0415  an optional extra
    except ImportError as error:
        raise CheckpointError(
            f"{path}: reading it needs the package safetensors: pip install 't7convert[all]'"
        ) from error
    try:
        with in_utf8(path) as name, safe_open(name, framework="pt") as opened:
            metadata = opened.metadata() or {}
            state: dict[str, Tensor] = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118  no mapping
    except SafetensorError as error:
        raise CheckpointError(f"{path}: is no safetensors file: {error}") from error
    if "t7convert" not in metadata or json.loads(metadata["t7convert"]) != FORMAT:
        raise CheckpointError(f"{path}: names no architecture that this t7convert could build")
    for alias, key in json.loads(metadata["aliases"]).items():
        state[alias] = state[key]
    return {
        "state_dict": state,
        "architecture": metadata["architecture"],
        "bindings": json.loads(metadata["bindings"]),
        "ties": json.loads(metadata["ties"]),
        "provenance": json.loads(metadata["provenance"]),
    }
