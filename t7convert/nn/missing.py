"""A stand-in for a module that could not be converted."""

from __future__ import annotations

from typing import Any, NoReturn

from torch import nn


class MissingModule(nn.Module):
    """Stands where a module could not be converted (``--allow-missing``); calling it raises."""

    def __init__(self, typename: str, path: str, reason: str) -> None:
        super().__init__()
        self.typename, self.path, self.reason = typename, path, reason

    def forward(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(f"{self.path}: {self.typename} was not converted: {self.reason}")

    def extra_repr(self) -> str:
        return f"{self.typename} at {self.path}: {self.reason}"
