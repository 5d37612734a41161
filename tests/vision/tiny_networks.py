"""Networks as .t7 files whose answers are known: the class whose grey is nearest wins."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from t7convert.fetch.schema import PREPROCESSINGS
from t7convert.format import LuaObject, LuaStorage, LuaTable, save
from t7convert.format.objects import ArrayPayload

CLASSES = 6
GREYS = [20, 60, 100, 140, 180, 220]
CIFAR_GREYS = [12 + 25 * label for label in range(10)]


def write_network(
    path: Path, side: int, preprocessing: str, classes: int, **beside: object
) -> Path:
    """Write pooling, View and Linear: score k is minus the squared distance from grey k.

    ``beside`` makes a table of the file, with the network as its field ``model``.
    """
    greys = GREYS if classes == CLASSES else CIFAR_GREYS
    prototypes = np.stack([_normalised(grey, preprocessing) for grey in greys])
    network = sequential(
        lua(
            "SpatialAveragePooling", kW=side, kH=side, dW=side, dH=side, padW=0, padH=0,
            ceil_mode=False, count_include_pad=True, divide=True,
        ),
        lua("View", size=long_storage(3), numElements=3, numInputDims=3),
        lua(
            "Linear",
            weight=(2 * prototypes).astype(np.float32),
            bias=-(prototypes**2).sum(1).astype(np.float32),
        ),
    )  # fmt: skip
    save(LuaTable({"model": network, **beside}) if beside else network, path)
    return path


def lua(name: str, **fields: object) -> LuaObject:
    """Return an object of package nn."""
    return LuaObject(f"nn.{name}", LuaTable({"_type": "torch.FloatTensor", **fields}))


def sequential(*children: LuaObject) -> LuaObject:
    """Return an nn.Sequential."""
    return lua("Sequential", modules=LuaTable(dict(enumerate(children, 1))))


def long_storage(*numbers: int) -> LuaStorage:
    """Return a LongStorage, as View keeps its size in one."""
    array = np.array(numbers, np.int64)
    return LuaStorage("torch.LongStorage", len(numbers), ArrayPayload(array))


def _normalised(grey: int, preprocessing: str) -> np.ndarray:
    known = PREPROCESSINGS[preprocessing]
    value = grey / 255 * known.scale
    return (value - np.array(known.mean)) / np.array(known.std)
