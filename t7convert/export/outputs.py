"""Every kind of output but ``.pt``: which there are, and how each is written."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from t7convert.conversion.convert import Converted
from t7convert.errors import OutputError, OutputKindError
from t7convert.export.checkpoint import architecture_json, binding_rows
from t7convert.export.example import example_input
from t7convert.export.graphs import write_onnx, write_pt2
from t7convert.export.safetensors_file import write_safetensors
from t7convert.export.source.text import write_source
from t7convert.export.streaming import streams
from t7convert.files import replace_text, replacing


@dataclass(frozen=True)
class Request:
    """What an output is made from, and how.

    Attributes:
        converted: the network; without values for the kinds in ``STREAMED``.
        provenance: where it came from.
        dtype: floating tensors are cast to it.
        untie: in .safetensors, write every name of a tie.
        input, input_shape: for the kinds that run the network; else its own geometry.
        dynamic: whether the first dimension of traced graphs is free.
    """

    converted: Converted
    target: Path
    provenance: dict[str, Any]
    dtype: torch.dtype | None = None
    untie: bool = False
    input: Path | None = None
    input_shape: Sequence[int] | None = None
    dynamic: bool = True
    force: bool = False

    def example(self) -> Any:
        """Return an input that the network runs with."""
        return example_input(self.converted, file=self.input, shape=self.input_shape)


def _safetensors(request: Request) -> str:
    cost = write_safetensors(
        request.converted,
        request.target,
        request.provenance,
        dtype=request.dtype,
        untie=request.untie,
        force=request.force,
    )
    return f"untied: {cost:,} bytes more than with each shared tensor once" if cost else ""


def _npz(request: Request) -> str:
    """Write the state_dict as arrays, a tie once, the other names in the entry ``aliases``."""
    aliases = {}
    with (
        replacing(request.target, force=request.force) as beside,
        zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED, allowZip64=True) as archive,
    ):
        for stream in streams(request.converted, request.dtype):
            aliases.update(dict.fromkeys(stream.keys[1:], stream.keys[0]))
            with archive.open(f"{stream.keys[0]}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, stream.array(), allow_pickle=False)
        with archive.open("aliases.npy", "w") as member:
            np.lib.format.write_array(member, np.array(json.dumps(aliases)), allow_pickle=False)
    return "a shared tensor stands once; the entry 'aliases' (JSON) names the others"


def _json(request: Request) -> str:
    """Write everything but the values: architecture, bindings, ties, provenance."""
    content = {
        "architecture": json.loads(architecture_json(request.converted)),
        "bindings": binding_rows(request.converted),
        "ties": request.converted.ties(),
        "provenance": request.provenance,
    }
    replace_text(request.target, json.dumps(content, indent=1) + "\n", force=request.force)
    return "structure only; .npz and .safetensors hold the values"


def _onnx(request: Request) -> str:
    if request.dtype not in (None, torch.float32):
        raise OutputKindError(f"{request.target}: .onnx is written in float32")
    network, example = request.converted.network, request.example()
    return write_onnx(
        network, example, request.target, dynamic=request.dynamic, force=request.force
    )


def _pt2(request: Request) -> str:
    if request.dtype is not None:
        request.converted.network.to(request.dtype)
    write_pt2(
        request.converted.network,
        request.example(),
        request.target,
        dynamic=request.dynamic,
        force=request.force,
    )
    return "torch.export.load reads it; checked with what it read back"


def _py(request: Request) -> str:
    if request.dtype is not None:
        request.converted.network.to(request.dtype)
    return write_source(
        request.converted,
        request.target,
        origin=str(request.provenance.get("source", "")),
        example=request.example,
        force=request.force,
    )


#: Writers by kind; each returns a remark for the user.
KINDS: dict[str, Callable[[Request], str]] = {
    "safetensors": _safetensors,
    "npz": _npz,
    "json": _json,
    "onnx": _onnx,
    "pt2": _pt2,
    "py": _py,
}
#: Kinds whose values go from file to file in pieces: the network is converted without values.
STREAMED = frozenset({"safetensors", "npz", "json"})


def write_output(kind: str, request: Request) -> str:
    """Write one output and return a remark.

    Raises:
        OutputError: if there is no such kind, or the output can't be written.
    """
    if kind not in KINDS:
        known = ", ".join(["pt", *KINDS])
        raise OutputError(f"{request.target}: unknown kind of output {kind!r}; known are {known}")
    return KINDS[kind](request)
