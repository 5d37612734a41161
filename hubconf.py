"""For ``torch.hub.load("path/to/t7convert", "sharesnet50", source="local")``.

Every entry point takes ``weights=None``, a member of ``t7convert.models.weights`` or its name, and
the keywords of its class (``num_classes``, ``shared``...).
"""

from t7convert.models import (
    sharesnet18,
    sharesnet34,
    sharesnet50,
    sharesnet101,
    sharesnet152,
    sharesnet164,
    wide_sharesnet28_10,
    wide_sharesnet40_4,
)
from t7convert.models.weights import get_model_weights, get_weight

dependencies = ["torch", "numpy", "requests"]

__all__ = [
    "get_model_weights",
    "get_weight",
    "sharesnet18",
    "sharesnet34",
    "sharesnet50",
    "sharesnet101",
    "sharesnet152",
    "sharesnet164",
    "wide_sharesnet28_10",
    "wide_sharesnet40_4",
]
