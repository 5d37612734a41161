"""Settings under which numbers can be compared: no TF32, deterministic, no autotuning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from t7convert.errors import SelectionError


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Switch off what trades exactness for speed inside the block, and restore it afterwards.

    PyTorch gets half of its threads: the reference runs beside it, and threads that wait for each
    other's cores cost more than they compute.
    """
    cudnn = torch.backends.cudnn
    before = (
        torch.get_deterministic_debug_mode(),
        cudnn.benchmark,
        cudnn.deterministic,
        cudnn.allow_tf32,
        torch.backends.cuda.matmul.allow_tf32,
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // 2))
    # use_deterministic_algorithms does the same, but imports the compiler first: seconds
    torch.set_deterministic_debug_mode("warn")
    cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32 = False, True, False
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before[0])
        cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32 = before[1:4]
        torch.backends.cuda.matmul.allow_tf32 = before[4]
        torch.set_num_threads(threads)


@contextmanager
def preserved(network: nn.Module) -> Iterator[None]:
    """Give a network its own tensors and values back after a block that moves, casts or runs it.

    Values too: a LookupTable with a greatest norm rescales its rows as it looks them up.
    """
    parameters = [(parameter, parameter.data.clone()) for parameter in network.parameters()]
    buffers = [  # the same objects again: modules may share them
        (module, name, buffer, buffer.clone())
        for module in network.modules()
        for name, buffer in module.named_buffers("", recurse=False)
    ]
    try:
        yield
    finally:
        for parameter, data in parameters:
            parameter.data = data
        for module, name, buffer, data in buffers:
            buffer.data = data
            setattr(module, name, buffer)


def pick_device(name: str) -> torch.device:
    """Return the device of a name; ``auto`` takes the first accelerator that is there.

    Raises:
        SelectionError: if the named one is not there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise SelectionError("there is no CUDA device here")
    if name == "mps" and not torch.backends.mps.is_available():
        raise SelectionError("there is no MPS device here")
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise SelectionError(f"{name!r} is no device: cpu, cuda, mps or auto") from error
