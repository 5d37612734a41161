"""CIFAR-10 and CIFAR-100 as they were published: binary files and Python pickles.

Binary: records of 1 (CIFAR-10: label) or 2 (CIFAR-100: coarse, fine label) bytes and 3,072 bytes of
pixels, channels first. Python: a pickle of a dictionary; it is read by an unpickler that knows the
parts of a numpy array and nothing else, so the file can't run code.
"""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from t7convert.vision.folders import DataError

_PIXELS = 3 * 32 * 32
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


@dataclass(frozen=True)
class Cifar:
    """The test images: ``pixels`` (N, 3, 32, 32) bytes, ``targets`` (N,) from 0."""

    name: str
    pixels: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Form:
    """One published form of the test images."""

    folder: str
    file: str
    classes: int
    key: bytes = b""  # of the labels, in the Python forms
    head: int = 0  # bytes before the pixels, the last of which is the label, in the binary forms


_FORMS = (
    _Form("cifar-10-batches-bin", "test_batch.bin", 10, head=1),
    _Form("cifar-10-batches-py", "test_batch", 10, key=b"labels"),
    _Form("cifar-100-binary", "test.bin", 100, head=2),
    _Form("cifar-100-python", "test", 100, key=b"fine_labels"),
)


def read_cifar(root: str | os.PathLike[str], classes: int) -> Cifar | None:
    """Return the test images of CIFAR-``classes`` below ``root``, None if there are none.

    ``root`` is the folder that an archive was unpacked in, or the folder that it made.

    Raises:
        DataError: if a file is there and is not of the published form.
    """
    for form in _FORMS:
        for path in (Path(root) / form.folder / form.file, Path(root) / form.file):
            if form.classes == classes and path.is_file():
                return _read(path, form)
    return None


def _read(file: Path, form: _Form) -> Cifar:
    try:
        cifar = _read_binary(file, form) if form.head else _read_python(file, form)
    except OSError as error:
        raise DataError(f"{file}: {error.strerror or error}") from error
    if cifar.targets.size == 0:
        raise DataError(f"{file}: no images")
    low, high = int(cifar.targets.min()), int(cifar.targets.max())
    if low < 0 or high >= form.classes:
        raise DataError(f"{file}: labels from {low} to {high} for {form.classes} classes")
    return cifar


def _read_binary(file: Path, form: _Form) -> Cifar:
    data = np.fromfile(file, np.uint8)
    length = form.head + _PIXELS
    if data.size % length:
        raise DataError(f"{file}: {data.size:,} bytes are no whole number of records of {length:,}")
    rows = data.reshape(-1, length)
    pixels = rows[:, form.head :].reshape(-1, 3, 32, 32)
    return Cifar(f"CIFAR-{form.classes}", pixels, rows[:, form.head - 1].astype(np.int64))


def _read_python(file: Path, form: _Form) -> Cifar:
    with file.open("rb") as stream:
        content = _load(stream, file)
    if not isinstance(content, dict):
        raise DataError(f"{file}: expected a dictionary, found {type(content).__name__}")
    fields = {
        name.encode() if isinstance(name, str) else name: value for name, value in content.items()
    }
    data, labels = fields.get(b"data"), fields.get(form.key)
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (_PIXELS,):
        raise DataError(f"{file}: 'data' is no array of bytes of shape (N, {_PIXELS})")
    if not isinstance(labels, list) or not all(isinstance(item, int) for item in labels):
        raise DataError(f"{file}: {form.key.decode()!r} is no list of numbers")
    if len(labels) != len(data):
        raise DataError(f"{file}: {len(labels):,} labels for {len(data):,} images")
    targets = np.array(labels, np.int64)
    return Cifar(f"CIFAR-{form.classes}", data.reshape(-1, 3, 32, 32), targets)


class _ArraysOnly(pickle.Unpickler):
    """An unpickler to which only numpy arrays and plain data exist."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the few allowed globals."""
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} does not belong into a CIFAR file")
        if module.startswith("numpy.") and int(np.__version__.split(".")[0]) >= 2:
            module = "numpy._core.multiarray"  # the old name still works, with a warning
        return super().find_class(module, name)


def _load(stream: IO[bytes], file: Path) -> object:
    try:
        return _ArraysOnly(stream, encoding="bytes").load()
    except (
        pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, ImportError,
        IndexError, KeyError, MemoryError,
    ) as error:  # fmt: skip
        raise DataError(f"{file}: no pickle of CIFAR: {error}") from error
