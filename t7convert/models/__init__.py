"""The ShaResNets as PyTorch networks, to be used on their own: torch is all they need.

``sharesnet50()`` is the network of the paper with fresh weights, ``sharesnet50(shared=False)`` the
original. `list_models` has the names, `get_model` builds by name; `ShaResNet` and `PreActShaResNet`
build any depth and width.
"""

from __future__ import annotations

from typing import Any

from t7convert.models.builders import (
    sharesnet18,
    sharesnet34,
    sharesnet50,
    sharesnet101,
    sharesnet152,
    sharesnet164,
    sharesnet_cifar,
    sharesnet_preact,
    wide_sharesnet,
    wide_sharesnet28_10,
    wide_sharesnet40_4,
)
from t7convert.models.registry import get_model, list_models
from t7convert.residual import (
    BasicBlock,
    Bottleneck,
    PreActBottleneck,
    PreActShaResNet,
    ShaResNet,
    Stage,
    StagedNetwork,
    WideBasic,
)

__all__ = [
    "BasicBlock",
    "Bottleneck",
    "PreActBottleneck",
    "PreActShaResNet",
    "ShaResNet",
    "Stage",
    "StagedNetwork",
    "WideBasic",
    "get_model",
    "list_models",
    "sharesnet18",
    "sharesnet34",
    "sharesnet50",
    "sharesnet101",
    "sharesnet152",
    "sharesnet164",
    "sharesnet_cifar",
    "sharesnet_preact",
    "wide_sharesnet",
    "wide_sharesnet28_10",
    "wide_sharesnet40_4",
]

#: In ``weights``, which needs more than torch: loaded when they are asked for.
_WEIGHTS = (
    "ShaResNet34_Weights",
    "ShaResNet50_Weights",
    "ShaResNet101_Weights",
    "ShaResNet152_Weights",
    "get_model_weights",
    "get_weight",
)


def __getattr__(name: str) -> Any:
    if name in _WEIGHTS:
        from t7convert.models import weights  # noqa: PLC0415  see _WEIGHTS

        return getattr(weights, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
