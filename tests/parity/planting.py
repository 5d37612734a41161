"""Faults planted in outputs: one bit, a tie, a tensor."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import t7convert
from t7convert.format.objects import LuaObject
from t7convert.parity.report import ParityReport
from tests.conftest import FIXTURES

#: Everything with tensors; .json has none.
KINDS = ("pt", "pth", "safetensors", "npz", "py", "pt2", "onnx", "t7")
NETS = ("sharesnet-basic", "nngraph-unet", "same-module-twice", "transposed-tie", "nngraph-lstm")
BASIC = "sharesnet-basic"
#: A weight that no normalisation follows, one that a tie has two names for, an early ReLU.
WEIGHT, TIE = "fc.weight", ("layer1.0.conv2.weight", "layer1.1.conv2.weight")


def model_of(name: str) -> Path:
    return next((FIXTURES / "nets" / name).glob("model.t7*"))


def one_ulp(values: Any) -> None:
    """Move the first entry of an array or tensor to its neighbour."""
    array = values.detach().numpy() if isinstance(values, torch.Tensor) else values
    flat = array.reshape(-1)
    flat[0] = np.nextafter(flat[0], np.float32(np.inf), dtype=np.float32)


def pt_with(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    def plant(path: Path, target: Path) -> None:
        content = torch.load(path, weights_only=True)
        change(content.get("state_dict", content))
        torch.save(content, target)

    return plant


def safetensors_with(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    def plant(path: Path, target: Path) -> None:
        from safetensors import safe_open  # noqa: PLC0415  an optional extra
        from safetensors.torch import save_file  # noqa: PLC0415

        with safe_open(path, framework="pt") as opened:
            metadata = opened.metadata()
            state = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118  no mapping
        aliases = json.loads(metadata["aliases"])
        for alias, key in aliases.items():
            state[alias] = state[key]
        change(state)
        kept = {}
        for alias, key in aliases.items():
            if alias in state and key in state and state[alias] is state[key]:
                kept[alias] = key
                del state[alias]
        save_file(state, target, {**metadata, "aliases": json.dumps(kept)})

    return plant


def npz_with(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    def plant(path: Path, target: Path) -> None:
        with np.load(path) as archive:
            state = {name: archive[name] for name in archive.files}
        aliases = json.loads(str(state.pop("aliases")))
        for alias, key in aliases.items():
            state[alias] = state[key]
        change(state)
        kept = {a: k for a, k in aliases.items() if a in state and state[a] is state.get(k)}
        written = {key: array for key, array in state.items() if key not in kept}
        np.savez(target, aliases=json.dumps(kept), **written)

    return plant


def py_with(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    def plant(path: Path, target: Path) -> None:
        shutil.copy(path, target)
        weights = target.with_name(f"{path.stem}.weights.pt")
        state = torch.load(path.with_name(weights.name), weights_only=True)
        change(state)
        torch.save(state, weights)

    return plant


def pt2_with(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    def plant(path: Path, target: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.load(path)
            change(program.state_dict)
            torch.export.save(program, target)

    return plant


def onnx_with(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    def plant(path: Path, target: Path) -> None:
        onnx = pytest.importorskip("onnx")
        model = onnx.load(path)
        state = {
            entry.name: np.array(onnx.numpy_helper.to_array(entry))
            for entry in model.graph.initializer
        }
        change(state)
        del model.graph.initializer[:]
        for name, array in state.items():
            model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
        onnx.save(model, target)

    return plant


CHANGERS = {
    "pt": pt_with,
    "pth": pt_with,
    "safetensors": safetensors_with,
    "npz": npz_with,
    "py": py_with,
    "pt2": pt2_with,
    "onnx": onnx_with,
}


def lua_weights(obj: LuaObject) -> list[LuaObject]:
    found = [obj] if isinstance(obj.get("weight"), t7convert.LuaTensor) else []
    modules = obj.get("modules")
    for child in modules.list() if modules is not None else ():
        found += lua_weights(child)
    return found


def planted(made: Any, tmp_path: Path, kind: str, change: Callable[[Any], None]) -> ParityReport:
    path = made(BASIC, kind)
    target = tmp_path / path.name
    CHANGERS[kind](change)(path, target)
    return t7convert.verify(model_of(BASIC), target)


def split(state: dict[str, Any]) -> None:
    first = state[TIE[0]]
    if isinstance(first, nn.Parameter):
        state[TIE[1]] = nn.Parameter(first.detach().clone())
    else:
        state[TIE[1]] = first.clone() if isinstance(first, torch.Tensor) else first.copy()
