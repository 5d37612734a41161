"""Opening what t7convert wrote: the kinds that hold a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from t7convert.errors import CheckpointError
from t7convert.export.checkpoint import read_checkpoint
from t7convert.export.safetensors_file import read_safetensors

#: Kinds that hold no description from which the network could be built again.
_OTHERS = {
    ".onnx": "ONNX Runtime, OpenCV",
    ".pt2": "torch.export.load",
    ".npz": "numpy.load",
    ".json": "any JSON reader",
}


def read_output(path: Path) -> dict[str, Any]:
    """Return what a ``.pt`` or ``.safetensors`` file of ours holds.

    Raises:
        CheckpointError: if it is none; for our other kinds it says what reads them.
    """
    suffix = path.suffix.lower()
    if suffix == ".t7":
        raise CheckpointError(
            f"{path}: is a Lua Torch file; t7convert.to_module reads it, `t7convert to-pytorch` "
            "makes a .pt of it"
        )
    if suffix in _OTHERS:
        raise CheckpointError(f"{path}: no network to load; {_OTHERS[suffix]} reads it")
    return read_safetensors(path) if suffix == ".safetensors" else read_checkpoint(path)
