"""Networks by name, for programs and command lines."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from t7convert.models import builders
from t7convert.residual.network import StagedNetwork

_BUILDERS: dict[str, Callable[..., StagedNetwork]] = {
    builder.__name__: builder
    for builder in (
        builders.sharesnet18,
        builders.sharesnet34,
        builders.sharesnet50,
        builders.sharesnet101,
        builders.sharesnet152,
        builders.sharesnet164,
        builders.wide_sharesnet40_4,
        builders.wide_sharesnet28_10,
        builders.sharesnet_cifar,
        builders.sharesnet_preact,
        builders.wide_sharesnet,
    )
}


def list_models() -> list[str]:
    """Return the names that ``get_model`` knows: the paper's networks, then the families."""
    return list(_BUILDERS)


def get_model(name: str, **options: Any) -> StagedNetwork:
    """Build the network ``name`` with the keywords of its builder, ``weights`` among them.

    Raises:
        ValueError: no such name; the message lists the known ones.
    """
    if name not in _BUILDERS:
        close = get_close_matches(name, _BUILDERS, n=1)
        hint = f", did you mean {close[0]}?" if close else ""
        raise ValueError(f"no network is called {name!r}{hint} (known: {', '.join(_BUILDERS)})")
    return _BUILDERS[name](**options)
