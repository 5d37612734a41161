"""One process or several: under ``torchrun`` every process takes its share of the images."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed

from t7convert.errors import T7Error

Item = TypeVar("Item")
_PATIENCE = datetime.timedelta(hours=6)  # the slowest disk decides when the last one is ready


class DeviceError(T7Error, ValueError):
    """A device that this machine does not have."""


@dataclass(frozen=True)
class Place:
    """Which process of how many this is."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def first(self) -> bool:
        """Tell whether this process reports."""
        return self.rank == 0

    def share(self, count: int) -> range:
        """Return this process's indices below ``count``: every ``size``-th."""
        return range(self.rank, count, self.size)

    def gather(self, item: Item) -> list[Item]:
        """Return every process's item, on every process."""
        if self.size == 1:
            return [item]
        items: list[Item | None] = [None] * self.size
        distributed.all_gather_object(items, item)
        return [each for each in items if each is not None]

    def device(self, name: str | None) -> torch.device:
        """Return the device: ``name``, or this process's own GPU, or the CPU.

        Raises:
            DeviceError: if there is no such device here.
        """
        if name in {None, "auto"}:
            name = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            device = torch.device(str(name))
            if device.type == "cuda" and device.index is None:
                own = self.local_rank % max(torch.cuda.device_count(), 1)
                device = torch.device("cuda", own)
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            reason = str(error).split("\n", maxsplit=1)[0]
            if reason.startswith("Expected one of"):  # torch lists dozens of names
                reason = "expected cpu, cuda, cuda:N, mps or auto"
            raise DeviceError(f"--device {name}: there is no such device here: {reason}") from error
        return device


def place_of(environ: Mapping[str, str] | None = None) -> Place:
    """Return the place that ``torchrun`` assigned, or the only one."""
    env = os.environ if environ is None else environ
    size = int(env.get("WORLD_SIZE", "1"))
    if size == 1 or "MASTER_ADDR" not in env:
        return Place()
    return Place(int(env["RANK"]), size, int(env.get("LOCAL_RANK", "0")))


@contextlib.contextmanager
def joined(device_name: str | None) -> Iterator[tuple[Place, torch.device]]:
    """Join the other processes, if there are any: nccl on GPUs, gloo on CPUs."""
    place = place_of()
    device = place.device(device_name)
    if place.size == 1:
        yield place, device
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield place, device
    finally:
        distributed.destroy_process_group()
