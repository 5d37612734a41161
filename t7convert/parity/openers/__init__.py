"""The openers, one file per family of outputs; importing them registers them."""

from __future__ import annotations

from pathlib import Path

from t7convert.errors import CheckpointError, NotTorch7Error
from t7convert.options import Plugins
from t7convert.parity.openers import arrays, checkpoint, graph, onnx, source, torch7
from t7convert.parity.opening import OPENERS, Output, Wish

__all__ = ["arrays", "checkpoint", "graph", "onnx", "open_output", "source", "torch7"]


def open_output(path: Path, place: str = "", plugins: Plugins = ()) -> Output:
    """Open a file that t7convert made; one of an unknown suffix is tried as a .t7.

    Raises:
        CheckpointError: if it is of no kind that can be checked, or damaged.
    """
    wish = Wish(path, place, plugins)
    plain = path.name.lower().removesuffix(".xz").removesuffix(".gz")
    opener = OPENERS.get(Path(plain).suffix)
    if opener is not None:
        return opener(wish)
    try:
        return OPENERS[".t7"](wish)
    except NotTorch7Error as error:
        known = ", ".join(sorted(OPENERS))
        raise CheckpointError(
            f"{path}: can't be checked; the kinds that can are {known}"
        ) from error
