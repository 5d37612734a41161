"""``.npz``: the tensors alone; ``.json``: everything but the tensors."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from t7convert.errors import CheckpointError
from t7convert.export.checkpoint import skeleton
from t7convert.parity.openers.checkpoint import BARE
from t7convert.parity.openers.named import Named, tie_fact
from t7convert.parity.opening import Output, Wish, opens

_ALIASES = "aliases"


@opens(".npz")
def open_arrays(wish: Wish) -> Output:
    """Open the arrays of a state_dict."""
    state, ties = read_arrays(wish.path)
    return Output(tensors=Named(state, ties), limits=(BARE,))


def read_arrays(path: Path) -> tuple[dict[str, Tensor], list[list[str]]]:
    """Return the state_dict of an ``.npz`` of ours, and the ties that the entry ``aliases`` names.

    Raises:
        CheckpointError: if it is none.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        aliases: dict[str, str] = json.loads(str(arrays.pop(_ALIASES)))
        state: dict[str, Tensor] = {key: torch.from_numpy(a) for key, a in arrays.items()}
        groups: dict[str, list[str]] = {}
        for alias, key in aliases.items():
            state[alias] = state[key]
            groups.setdefault(key, [key]).append(alias)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        reason = f"{type(error).__name__}: {error}"
        raise CheckpointError(f"{path}: is no .npz of t7convert's: {reason}") from error
    return state, list(groups.values())


@opens(".json")
def open_structure(wish: Wish) -> Output:
    """Open the description of a network; there is nothing in it to run."""
    try:
        content = json.loads(wish.path.read_text(encoding="utf-8"))
        described, ties = json.dumps(content["architecture"]), content["ties"]
        origin = content["provenance"]
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise CheckpointError(f"{wish.path}: is no .json of t7convert's: {reason}") from error
    converted = skeleton(described, name=str(wish.path), plugins=wish.plugins)
    limits = ("numbers and outputs: a .json holds no values, so nothing can be proved of it",)
    fact = tie_fact(converted.ties(), ties)
    return Output(provenance=origin, converted=converted, runs=False, facts=(fact,), limits=limits)
