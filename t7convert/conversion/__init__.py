"""From Lua modules to PyTorch modules: the registry, the layers, the bindings."""

from t7convert.conversion.convert import Binding, Conversion, Converted, convert_tree
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.conversion.transforms import Transform
from t7convert.conversion.view import View

__all__ = [
    "Binding",
    "Conversion",
    "Converted",
    "Layer",
    "Transform",
    "View",
    "convert_tree",
    "converts",
]
