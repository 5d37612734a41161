"""The way back: a PyTorch network as a .t7 file that Lua Torch loads and runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from torch import nn

from t7convert.conversion.convert import Converted
from t7convert.errors import CheckpointError
from t7convert.export.checkpoint import compact_state, rebuild
from t7convert.export.reading import read_output
from t7convert.export.torch7.fields import Backend
from t7convert.export.torch7.forward import Inputs
from t7convert.export.torch7.layout import FLOATING, Layout
from t7convert.export.torch7.modules import tree_of_network
from t7convert.export.torch7.objects import Writer
from t7convert.export.torch7.record import remember_fields
from t7convert.export.torch7.values import Values, values_of
from t7convert.files import check_output
from t7convert.format import save
from t7convert.format.objects import LuaObject
from t7convert.lua.tree import LuaModule, walk

Type = Literal["float", "double", "cuda"]
TYPES: dict[str, str] = {
    "float": "torch.FloatTensor",
    "double": "torch.DoubleTensor",
    "cuda": "torch.CudaTensor",
}
#: What to do with a file that isn't ours.
_ADVICE = (
    "a state_dict of a ShaResNet or of torchvision's ResNet goes back with --model NAME, any "
    "network from Python: t7convert.to_torch7(network, 'out.t7')"
)


def to_torch7(
    network: nn.Module | Converted | str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    like: str | os.PathLike[str] | None = None,
    backend: Backend | None = None,
    type: Type | None = None,
    flatten: bool = False,
    gradients: bool = True,
    plugins: Sequence[str | Path | ModuleType] = (),
    force: bool = False,
    input: Inputs | None = None,
) -> None:
    """Write a network as a .t7 file, in evaluation mode, every share kept.

    Args:
        network: a ``.pt`` or ``.safetensors`` file of ours, or a PyTorch network of layers and
            operations that torch/nn has.
        target: the file to write.
        like: a ``.pt`` or ``.safetensors`` file of ours that the network was loaded from; its
            Lua structure is written with the network's present values (after fine-tuning).
        backend: whether convolutions and the like get nn's or cudnn's class names; None keeps what
            the network had (nn for PyTorch networks).
        type: of the tensors; None keeps what the network had.
        flatten: make all parameters views of one storage, as ``getParameters`` does.
        gradients: write ``gradWeight`` and the like (zero), which training in Lua needs.
        plugins: files or modules that register converters of their own.
        force: replace ``target`` if it exists.
        input: for a PyTorch network of classes of your own, an input that it takes (a batch), or
            the shape of one, where the first layer doesn't tell.

    Raises:
        ConversionError: listing every module that has no equal in torch/nn.
        CheckpointError: if a file is none of ours, or its keys are not the network's.
        OutputError: if ``target`` exists and ``force`` is false.
    """
    sources = [Path(p) for p in (network, like) if isinstance(p, (str, os.PathLike))]
    check_output(Path(target), force=force, sources=sources)
    if isinstance(network, Mapping):
        raise CheckpointError(f"a state_dict names no architecture: {_ADVICE}")
    if isinstance(network, (str, os.PathLike)):
        network = _opened(Path(network), None, plugins)
    elif like is not None and isinstance(network, nn.Module):
        network = _opened(Path(like), network, plugins)
    made = torch7_object(
        network, backend=backend, type=type, flatten=flatten, gradients=gradients, input=input
    )
    save(made, target, force=force)


def torch7_object(
    network: nn.Module | Converted,
    *,
    backend: Backend | None = None,
    type: Type | None = None,
    flatten: bool = False,
    gradients: bool = True,
    input: Inputs | None = None,
) -> LuaObject:
    """Return the Lua object of a network, which ``save`` writes; see :func:`to_torch7`."""
    if isinstance(network, Converted):
        remember_fields(network)
        tree, values, check = network.tree, values_of(network), None
        usual = TYPES["double"]  # of a module that no file gave a type, as old View
    else:
        tree, check = tree_of_network(network, input, groups=backend == "cudnn")
        values, backend, usual = Values(), backend or "nn", TYPES["float"]
    kind = TYPES[type] if type is not None else _kind_of(tree) or usual
    layout = Layout(tree, values, kind, forced=type is not None, flatten=flatten)
    made = Writer(layout, backend=backend, gradients=gradients).write(tree)
    if check is not None and isinstance(network, nn.Module):
        check.run(network, made)
    return made


def _opened(
    path: Path, module: nn.Module | None, plugins: Sequence[str | Path | ModuleType]
) -> Converted:
    try:
        content: dict[str, Any] = read_output(path)
    except CheckpointError as error:
        if path.suffix.lower() == ".t7":
            raise
        raise CheckpointError(f"{error}; {_ADVICE}") from error
    state = content["state_dict"] if module is None else compact_state(module)
    return rebuild(content["architecture"], state, name=str(path), plugins=plugins)


def _kind_of(tree: LuaModule) -> str | None:
    """Return the network's type: what its file says, else that of the first floating tensor.

    Of halves it is what Torch7 can run; None where nothing tells.
    """
    halves = {"torch.HalfTensor": "torch.FloatTensor", "torch.CudaHalfTensor": "torch.CudaTensor"}
    for module in walk(tree):
        found = [tensor.typename for _, tensor in module.tensors(module.spec.tensors)]
        for kind in (module.kind, *found):
            if kind in FLOATING:
                return halves.get(kind, kind)
    return None
