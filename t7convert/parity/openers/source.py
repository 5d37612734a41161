"""``.py``: the written source, imported anew, with the weights beside it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from t7convert.conversion.convert import ties
from t7convert.errors import CheckpointError
from t7convert.parity.openers.named import Named, groups_by_memory
from t7convert.parity.opening import Output, Wish, opens, told
from t7convert.parity.report import Fact

_MODULE = "_t7convert_verified_source"


@opens(".py")
def open_source(wish: Wish) -> Output:
    """Run the file as a module of its own, and call its ``load()``.

    Where that fails, the weights are compared all the same, and the report says why it failed.

    Raises:
        CheckpointError: if the file itself can't be run, or has no ``load``.
    """
    module = _imported(wish.path)
    try:
        network = module.load()
    except Exception as error:  # whatever wrong weights or a wrong text lead to
        fact = Fact("load()", False, f"raises {type(error).__name__}: {told(error)}")
        weights = _weights(module)
        named = Named(weights, groups_by_memory(weights)) if weights is not None else None
        return Output(tensors=named, runs=False, facts=(fact,))
    if not isinstance(network, nn.Module):
        raise CheckpointError(f"{wish.path}: its load() gives no network")
    state = {key: tensor.detach() for key, tensor in network.state_dict().items()}
    return Output(network.eval(), tensors=Named(state, ties(network)), names=True)


def _imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(_MODULE, path)
    assert spec is not None
    assert spec.loader is not None  # a .py always has one
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module  # dataclasses look their module up
    cached, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        reason = f"fails with {type(error).__name__}: {told(error)}"
        raise CheckpointError(f"{path}: {reason}") from error
    finally:
        sys.dont_write_bytecode = cached
        del sys.modules[_MODULE]
    if not callable(getattr(module, "load", None)):
        raise CheckpointError(f"{path}: has no load(), so t7convert did not write it")
    return module


def _weights(module: ModuleType) -> dict[str, Tensor] | None:
    try:
        state = torch.load(module.WEIGHTS, map_location="cpu", weights_only=True)
    except Exception:  # load() told what is wrong
        return None
    return state if isinstance(state, dict) else None
