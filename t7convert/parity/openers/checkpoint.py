"""``.pt`` and ``.safetensors``: files that describe their network, and bare state_dicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t7convert.errors import CheckpointError
from t7convert.export.checkpoint import skeleton
from t7convert.export.reading import read_output
from t7convert.parity.openers.named import Named, groups_by_memory
from t7convert.parity.opening import Output, Wish, opens

_UNTIED = "it was written untied, each name with a copy of its own; the copies are compared"
BARE = (
    "structure: the file holds tensors only; they were put into the network as it is converted "
    "from the source"
)


@opens(".pt", ".pth", ".safetensors")
def open_checkpoint(wish: Wish) -> Output:
    """Open a file from which the network can be built again, or a bare state_dict."""
    try:
        content = read_output(wish.path)
    except CheckpointError:
        state = _bare(wish.path)
        if state is None:
            raise
        return Output(tensors=Named(state, groups_by_memory(state)), limits=(BARE,))
    converted = skeleton(content["architecture"], name=str(wish.path), plugins=wish.plugins)
    return Output(
        provenance=content["provenance"], converted=converted, tensors=_tensors(wish.path, content)
    )


def _tensors(path: Path, content: dict[str, Any]) -> Named:
    state: dict[str, Tensor] = content["state_dict"]
    groups = groups_by_memory(state)
    untied = path.suffix.lower() == ".safetensors" and not groups and content["ties"]
    return Named(state, None, _UNTIED) if untied else Named(state, groups)


def _bare(path: Path) -> dict[str, Tensor] | None:
    """Return a state_dict that nobody wrapped (``--state-dict-only``); None if it is none."""
    if path.suffix.lower() == ".safetensors":
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # read_output told already what is wrong with the file
        return None
    whole = isinstance(state, dict) and state
    return state if whole and all(isinstance(t, Tensor) for t in state.values()) else None
