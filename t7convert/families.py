"""Packages with one module per family of classes; importing a family registers its classes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType


def import_families(package: str, folder: Iterable[str]) -> tuple[ModuleType, ...]:
    """Import the modules of a package, in alphabetical order, and return them.

    Args:
        package: its ``__name__``.
        folder: its ``__path__``. Names with a leading underscore are helpers, and ``spec`` is what
            the families are written with: neither is a family.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(folder))
    return tuple(
        importlib.import_module(f"{package}.{name}")
        for name in names
        if not name.startswith("_") and name != "spec"
    )
