"""``.pt2``: the graph that ``torch.export`` traced, with its tensors under their own names."""

from __future__ import annotations

import warnings
from typing import Any

import torch

from t7convert.errors import CheckpointError
from t7convert.parity.openers.named import Named, groups_by_memory
from t7convert.parity.opening import Graph, Output, Wish, opens, told

LIMITS = (
    "outputs of the inner modules: a graph has none of them; the network's outputs are compared",
    "inputs without a batch dimension: a graph takes batches",
    "gradients: a graph computes forward only",
)


@opens(".pt2")
def open_program(wish: Wish) -> Output:
    """Open an exported program.

    Raises:
        CheckpointError: if it is none, or damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on PyTorch's own deprecations
            with wish.path.open("rb") as file:  # a path may be no UTF-8
                program = torch.export.load(file)
            network = program.module()
    except Exception as error:  # zip, JSON and schema errors of many kinds
        raise CheckpointError(
            f"{wish.path}: can't be loaded as an exported program: {told(error)}"
        ) from error
    state = {key: tensor.detach() for key, tensor in program.state_dict.items()}
    graph = _graph_of(program)
    return Output(
        network, tensors=Named(state, groups_by_memory(state)), graph=graph, limits=LIMITS
    )


def _graph_of(program: torch.export.ExportedProgram) -> Graph:
    names = set(program.graph_signature.user_inputs)
    given: list[Any] = [
        node.meta["val"]
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in names and "val" in node.meta
    ]
    shapes = tuple(tuple(d if isinstance(d, int) else None for d in t.shape) for t in given)
    floating = [t.dtype for t in given if t.is_floating_point()]
    floating += [t.dtype for t in program.state_dict.values() if t.is_floating_point()]
    return Graph(floating[0] if floating else torch.float32, shapes)
