"""``.onnx``: the graph in ONNX Runtime, its initialisers beside the network's tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from t7convert.errors import CheckpointError
from t7convert.files import in_utf8
from t7convert.inputs.values import tensors_in
from t7convert.parity.openers.graph import LIMITS
from t7convert.parity.openers.initialisers import Initialisers
from t7convert.parity.opening import Graph, Output, Wish, opens, told
from t7convert.parity.report import Fact


class Session(nn.Module):
    """A graph in ONNX Runtime, called as the network is."""

    def __init__(self, session: Any) -> None:
        super().__init__()
        self._session = session

    def forward(self, given: Any) -> Any:
        """Return the graph's outputs, one of them as it is."""
        names = [entry.name for entry in self._session.get_inputs()]
        feeds = {name: t.numpy() for name, t in zip(names, tensors_in(given), strict=True)}
        found = [torch.from_numpy(np.asarray(a)) for a in self._session.run(None, feeds)]
        return found[0] if len(found) == 1 else found


@opens(".onnx")
def open_onnx(wish: Wish) -> Output:
    """Open an ONNX model; where ONNX Runtime refuses it, the report says so.

    Raises:
        CheckpointError: if it is none, or onnx or onnxruntime is not installed.
    """
    try:
        import onnx  # noqa: PLC0415  an optional extra
        import onnxruntime  # noqa: PLC0415  likewise
    except ImportError as error:
        raise CheckpointError(
            f"{wish.path}: checking it needs onnx and onnxruntime: pip install 't7convert[all]'"
        ) from error
    try:
        model = onnx.load(wish.path)
    except Exception as error:  # protobuf's own, and missing external data
        raise CheckpointError(f"{wish.path}: is no ONNX model: {told(error)}") from error
    tensors = Initialisers(model)
    try:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what it says is in the exception
        with in_utf8(wish.path) as name:
            session = onnxruntime.InferenceSession(
                str(name), options, providers=["CPUExecutionProvider"]
            )
    except Exception as error:  # onnxruntime's errors have no common root
        fact = Fact("ONNX Runtime", False, f"refuses the model: {told(error)}")
        return Output(tensors=tensors, runs=False, facts=(fact,), limits=LIMITS)
    shapes = tuple(_shape(entry.shape) for entry in session.get_inputs())
    graph = Graph(torch.float32, shapes)
    return Output(Session(session), tensors=tensors, graph=graph, limits=LIMITS)


def _shape(dims: Sequence[Any]) -> tuple[int | None, ...]:
    return tuple(d if isinstance(d, int) else None for d in dims)
