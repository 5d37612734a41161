"""A bare state_dict as the network of which the name is given."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from t7convert.errors import CheckpointError
from t7convert.models.registry import get_model, list_models

#: The builders whose name says everything but the number of classes and of input channels.
_DEFINED = tuple(name for name in list_models() if name[-1].isdigit())
#: Where training scripts put the state_dict of the network.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net")


def model_names() -> tuple[str, ...]:
    """Return the names: the paper's networks, and their originals (``resnet50``)."""
    return (*_DEFINED, *(name.replace("sharesnet", "resnet") for name in _DEFINED))


def network_of_state(state: Mapping[str, Any], name: str, *, source: str) -> nn.Module:
    """Return the network of this name with the values of a state_dict.

    Args:
        state: the state_dict, or a checkpoint that holds it (``state_dict``, ``model``).
        name: one of :func:`model_names`. torchvision's ResNets have the keys of the originals.
        source: what errors say it is.

    Raises:
        CheckpointError: if there is no such network, or keys, shapes or ties don't fit.
    """
    if name not in model_names():
        close = get_close_matches(name, model_names(), n=1)
        hint = f", did you mean {close[0]}?" if close else ""
        known = ", ".join(model_names())
        raise CheckpointError(f"no network is called {name!r}{hint} (known: {known})")
    tensors = _tensors(state, source)
    shared = name in _DEFINED
    options: dict[str, Any] = {}
    for option, key, axis in (("num_classes", "fc.weight", 0), ("in_channels", "conv1.weight", 1)):
        if key in tensors and tensors[key].dim() > axis:
            options[option] = tensors[key].shape[axis]
    built = get_model(
        name if shared else name.replace("resnet", "sharesnet"), shared=shared, **options
    )
    for keys in built.ties():  # of which safetensors keeps one
        present = [key for key in keys if key in tensors]
        tensors |= {key: tensors[present[0]] for key in keys if present and key not in tensors}
    own = built.state_dict()
    missing = [key for key in own if key not in tensors and not key.endswith("num_batches_tracked")]
    unexpected = [key for key in tensors if key not in own]
    if missing or unexpected:
        raise CheckpointError(
            f"{source}: is no state_dict of {name}: missing {_some(missing)}, unexpected "
            f"{_some(unexpected)}"
        )
    for key, tensor in tensors.items():
        if tensor.shape != own[key].shape:
            raise CheckpointError(
                f"{source}: {key} has shape {tuple(tensor.shape)}, in {name} "
                f"{tuple(own[key].shape)}"
            )
    for keys in built.ties():
        other = next((k for k in keys[1:] if not torch.equal(tensors[keys[0]], tensors[k])), None)
        if other is not None:
            original = name.replace("sharesnet", "resnet")
            raise CheckpointError(
                f"{source}: {keys[0]} and {other} are one tensor in {name}, but their values "
                f"differ: is it a {original}?"
            )
    built.load_state_dict(tensors, strict=False)
    return built


def read_state(path: Path) -> Mapping[str, Any]:
    """Return what a file of tensors holds: a ``.pt`` or ``.safetensors`` of anybody.

    Raises:
        CheckpointError: if it can't be read without running code of its own.
    """
    if path.suffix.lower() == ".safetensors":
        return _of_safetensors(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # zip, pickle and type errors of many kinds
        reason = "it does not load with weights_only=True"  # torch's advice would run its code
        raise CheckpointError(f"{path}: can't be loaded as a state_dict: {reason}") from error
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path}: holds a {type(content).__name__}, expected a state_dict")
    return content


def _of_safetensors(path: Path) -> Mapping[str, Any]:
    try:
        from safetensors import SafetensorError  # noqa: PLC0415  an optional extra
        from safetensors.torch import load_file  # noqa: PLC0415
    except ImportError as error:
        raise CheckpointError(
            f"{path}: reading it needs the package safetensors: pip install 't7convert[all]'"
        ) from error
    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise CheckpointError(f"{path}: is no safetensors file: {error}") from error


def _tensors(state: Mapping[str, Any], source: str) -> dict[str, Tensor]:
    for wrapper in _WRAPPERS:
        if isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
            break
    found = {key: value for key, value in state.items() if isinstance(value, Tensor)}
    if not found:
        raise CheckpointError(f"{source}: holds no tensors by name, as a state_dict does")
    if all(key.startswith("module.") for key in found):  # nn.DataParallel's
        found = {key.removeprefix("module."): value for key, value in found.items()}
    return found


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "") or "none"
