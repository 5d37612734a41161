"""``.onnx`` and ``.pt2``: the network as a traced graph, checked in the same step.

A graph has one rank per tensor: it takes batches. A module that decides at run time whether there
is a batch (View, Reshape...) decides for a batch there, also where the batch is of one sample.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from t7convert.errors import (
    ConversionError,
    OutputError,
    ParityError,
    Problem,
    SelectionError,
    T7Error,
    first_line,
)
from t7convert.export.example import batch_dims, resized
from t7convert.files import in_utf8, replacing
from t7convert.inputs.values import tensors_in
from t7convert.nn.memory import forget

#: The version of the operators in .onnx files.
OPSET = 20
PROVIDER = "CPUExecutionProvider"
#: ONNX Runtime orders its float32 sums in its own way; relative to the largest entry.
ONNX_RTOL = 1e-4


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporters' remarks on packages that are not there."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch._subclasses")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)  # what goes wrong is raised too
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _run(network: nn.Module, example: Any) -> None:
    """Make sure that the network takes the input: a tracer's complaint would not say so."""
    try:
        with torch.no_grad():
            forget(network)(example)
    except T7Error:
        raise
    except Exception as error:  # any that a wrong input leads to
        sizes = ", ".join("x".join(map(str, tensor.shape)) for tensor in tensors_in(example))
        reason = first_line(error)
        raise SelectionError(f"the network does not take this input ({sizes}): {reason}") from error


def _trace(network: nn.Module, example: Any, *, dynamic: bool) -> torch.export.ExportedProgram:
    if dynamic:
        example = resized(example, 2)  # a batch of one would be taken for a constant
    dims = (batch_dims(example, torch.export.Dim("batch")),) if dynamic else None
    try:
        with _quiet(), torch.no_grad():
            return torch.export.export(forget(network), (example,), dynamic_shapes=dims)
    except Exception as error:  # PyTorch's tracer raises many kinds
        reason = f"it can't be traced: {first_line(error)}"
        if dynamic and "Constraints violated" in reason:
            reason += " (a network that takes time steps first has no free batch there: --fixed)"
        elif dynamic:
            reason += " (with a free batch in front; --fixed traces the input as it is)"
        raise ConversionError([Problem(type(network).__name__, "", reason)]) from error


def write_pt2(
    network: nn.Module, example: Any, target: Path, *, dynamic: bool = True, force: bool = False
) -> None:
    """Write what ``torch.export.load`` reads, and compare its output with the network's.

    Raises:
        ConversionError: if the network can't be traced.
        ParityError: if the graph computes something else; then nothing is left.
    """
    _run(network, example)
    program = _trace(network, example, dynamic=dynamic)
    with replacing(target, force=force) as beside:
        with _quiet():
            whole = io.BytesIO()  # on a full disk, PyTorch's own writer ends the process
            torch.export.save(program, whole)
            beside.write_bytes(whole.getbuffer())
            with beside.open("rb") as file:  # a path may be no UTF-8
                again = torch.export.load(file)
        for batch in (2, 3) if dynamic else (None,):
            given = example if batch is None else resized(example, batch)
            with torch.no_grad():
                _compare(target, again.module()(given), forget(network)(given), 1e-6)


def write_onnx(
    network: nn.Module, example: Any, target: Path, *, dynamic: bool = True, force: bool = False
) -> str:
    """Write the network in float32, and compare ONNX Runtime's output with PyTorch's.

    Returns:
        A remark for the user: what was checked, and what a graph can't express.

    Raises:
        OutputError: if onnx, onnxscript or onnxruntime is not installed.
        ConversionError: if the network can't be traced or has operators that ONNX lacks.
        ParityError: if the graph computes something else; then nothing is left.
    """
    try:
        import onnxruntime  # noqa: PLC0415  an optional extra
        import onnxscript  # noqa: F401, PLC0415
    except ImportError as error:
        raise OutputError(
            f"{target}: writing .onnx needs onnx, onnxscript and onnxruntime: "
            "pip install 't7convert[all]'"
        ) from error
    network = network.float()
    example = _single(example)
    _run(network, example)
    program = _trace(network, example, dynamic=dynamic)
    with replacing(target, force=force) as beside:
        for optimize in (True, False):  # onnxscript's optimiser loses an input of two clamps
            made = _translated(network, program, optimize=optimize)
            made.save(beside)
            try:
                with in_utf8(beside) as name:
                    session = onnxruntime.InferenceSession(str(name), providers=[PROVIDER])
                break
            except Exception as error:  # ONNX Runtime's own kinds
                if not optimize:
                    reason = f"ONNX Runtime doesn't take it: {first_line(error)}"
                    raise ConversionError([Problem(type(network).__name__, "", reason)]) from error
        names = [entry.name for entry in session.get_inputs()]
        for batch in (2, 3) if dynamic else (None,):
            given = example if batch is None else resized(example, batch)
            feeds = {n: t.numpy() for n, t in zip(names, tensors_in(given), strict=True)}
            with torch.no_grad():
                found = [torch.from_numpy(np.asarray(a)) for a in session.run(None, feeds)]
                _compare(target, found, forget(network)(given), ONNX_RTOL)
    return _remark(network, example, dynamic)


def _translated(
    network: nn.Module, program: torch.export.ExportedProgram, *, optimize: bool
) -> torch.onnx.ONNXProgram:
    """Return the program in ONNX's operators.

    Raises:
        ConversionError: if there is none for one of PyTorch's.
    """
    from onnxscript import opset20 as op  # noqa: PLC0415  an optional extra

    def leaky(x: Any, noise: Any, lower: float, upper: float, *_: Any, **__: Any) -> Any:
        """In evaluation, RReLU has the slope in the middle; the noise is never read."""
        return op.LeakyRelu(x, alpha=(lower + upper) / 2), noise

    slopes = torch.ops.aten.rrelu_with_noise_functional.default
    own: dict[Callable[..., Any], Callable[..., Any]] = {slopes: leaky}
    try:
        with _quiet():
            made = torch.onnx.export(
                program,
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
                optimize=optimize,
                custom_translation_table=own,
            )
    except Exception as error:  # PyTorch's exporter raises many kinds
        named = re.search(r"No ONNX function found for <OpOverload\(op='([^']*)'", str(error))
        cause = f"it has no operator for {named[1]}" if named else first_line(error)
        reason = f"ONNX can't express it: {cause}"
        raise ConversionError([Problem(type(network).__name__, "", reason)]) from error
    assert made is not None  # for mypy: with dynamo=True there is a program
    return made


def _remark(network: nn.Module, example: Any, dynamic: bool) -> str:
    text = f"opset {OPSET}, float32, checked with ONNX Runtime"
    if not dynamic:
        return f"{text}; shapes are fixed"
    with torch.no_grad():
        one = list(tensors_in(forget(network)(resized(example, 1))))
        two = list(tensors_in(forget(network)(resized(example, 2))))
    if any(a.dim() != b.dim() for a, b in zip(one, two, strict=True)):
        text += (
            "; in Lua a lone sample gives a tensor of another rank than a batch; the graph always "
            "has the batch's"
        )
    return f"{text}; the batch is dynamic"


def _single(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: _single(item) for key, item in value.items()}
    return [_single(item) for item in value]


def _compare(target: Path, found: Any, expected: Any, rtol: float) -> None:
    have, want = list(tensors_in(found)), list(tensors_in(expected))
    if len(have) != len(want):
        raise ParityError(f"{target}: {len(have)} outputs, PyTorch has {len(want)}")
    for number, (a, b) in enumerate(zip(have, want, strict=True), start=1):
        if a.shape != b.shape:
            raise ParityError(
                f"{target}: output {number} is {tuple(a.shape)}, not {tuple(b.shape)}"
            )
        scale = float(b.abs().max()) if b.numel() else 0.0
        gap = float((a.double() - b.double()).abs().max()) if b.numel() else 0.0
        if not gap <= rtol * scale + 1e-12:
            raise ParityError(
                f"{target}: output {number} is off by {gap:.3g}, {gap / max(scale, 1e-300):.2g} of "
                f"its largest entry; allowed are {rtol:g}"
            )
