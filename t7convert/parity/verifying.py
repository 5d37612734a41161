"""``t7convert.verify``: the parity check for Python."""

from __future__ import annotations

import os
from pathlib import Path

from t7convert.opening import Source
from t7convert.options import Arch, Plugins, Report, torch_dtype
from t7convert.parity.check import Options, check_parity
from t7convert.parity.report import ParityReport


def verify(
    source: Source,
    output: str | os.PathLike[str] | None = None,
    *,
    select: str | None = None,
    until: str | None = None,
    arch: Arch = "auto",
    plugins: Plugins = (),
    input: str | os.PathLike[str] | None = None,
    input_shape: tuple[int, ...] | None = None,
    expected: str | os.PathLike[str] | None = None,
    seed: int = 0,
    device: str = "cpu",
    dtype: str = "float32",
    gradients: bool = False,
    allow_unchecked: bool = False,
    progress: Report | None = None,
) -> ParityReport:
    """Compare a converted network with the Lua module of ``source``, interpreted in NumPy.

    Args:
        source: a Lua Torch file: a path, bytes, a binary file object, or what ``load`` returned
            (then torchfile can't read it once more for the reference).
        output: a file that t7convert made from it; without one, ``source`` is converted in memory.
        select, until, arch, plugins: as for :func:`to_module`.
        input: a file with the input: .t7, .npy, .pt, .png or .jpg; otherwise inputs are drawn.
        input_shape: the shape of the drawn input; otherwise it is told from the network.
        expected: a file with a recorded output to compare with, .t7 or .npy.
        seed: of the drawn inputs.
        device: cpu, cuda, mps or auto.
        dtype: the network runs in it.
        gradients: compare with Lua's backward too.
        allow_unchecked: let a report be ``ok`` although a class has no reference.
        progress: called with a phase, the modules done and the modules in all.

    Returns:
        The report; its ``ok`` is the verdict. docs/parity.md explains it.

    Raises:
        T7Error: if a file can't be read, or the network can't be converted.
        ValueError: if ``dtype`` is none of the four, or both an input and its shape are given.
    """
    if input is not None and input_shape is not None:
        raise ValueError("input and input_shape: give one of them")
    torch_dtype(dtype)
    options = Options(
        select=select,
        until=until,
        arch=arch,
        plugins=plugins,
        input=Path(input) if input is not None else None,
        input_shape=input_shape,
        expected=Path(expected) if expected is not None else None,
        seed=seed,
        device=device,
        dtype=dtype,
        gradients=gradients,
        allow_unchecked=allow_unchecked,
        progress=progress,
    )
    return check_parity(source, Path(output) if output is not None else None, options)
