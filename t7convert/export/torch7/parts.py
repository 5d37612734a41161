"""Modules that Lua constructors put into fields of a module, built again from its constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from t7convert.format.objects import ArrayPayload, LuaStorage, LuaTensor
from t7convert.lua import schema
from t7convert.lua.schema import REQUIRED
from t7convert.lua.tree import LuaModule

Fields = Mapping[str, Any]
#: Fields that the tree has instead of the file's own, by class.
INVENTED: Mapping[str, frozenset[str]] = {
    "nn.Copy": frozenset({"alias"}),
    "nn.PartialLinear": frozenset({"weight"}),
    "nn.SpatialSubtractiveNormalization": frozenset(
        {"meanKernels", "meanBiases", "coefficients", "coefficientsFor"}
    ),
    "nn.SpatialDivisiveNormalization": frozenset(
        {"meanKernels", "meanBiases", "stdKernels", "stdBiases"}
    ),
}


def part(typename: str, **fields: Any) -> LuaModule:
    """Return a module with these fields and, for the others, its class's defaults."""
    spec = schema.by_name(typename)
    if spec is None:
        raise ValueError(f"the schema has no {typename}")
    defaults = {
        name: value
        for name, value in spec.constants.items()
        if value is not None and value is not REQUIRED
    }
    return LuaModule(typename, spec, "", None, {**defaults, **fields})


def tensor(values: Any) -> LuaTensor:
    """Return a tensor of these values."""
    array = np.ascontiguousarray(values, dtype=np.float64)
    stride = tuple(prod(array.shape[axis + 1 :]) for axis in range(array.ndim))
    flat = LuaStorage("torch.DoubleStorage", array.size, ArrayPayload(array.reshape(-1)))
    return LuaTensor("torch.DoubleTensor", array.shape, stride, 0, flat)


def estimator(which: str) -> Callable[[Fields], LuaModule]:
    """Return the rule of ``meanestimator`` or ``stdestimator``.

    Source: torch/nn SpatialSubtractiveNormalization.lua, SpatialDivisiveNormalization.lua.
    """

    def rule(fields: Fields) -> LuaModule:
        kernels, biases = fields[f"{which}Kernels"], fields[f"{which}Biases"]
        planes = int(fields["nInputPlane"])
        two_sided = len(kernels) == 1
        height = int(kernels[-1].size[-2])
        width = int(kernels[0].size[-1])
        sides = {"pad_l": width // 2, "pad_r": width // 2, "pad_t": height // 2}
        modules = [part("nn.SpatialZeroPadding", **sides, pad_b=height // 2)]
        if not two_sided:
            pairs = np.stack([np.arange(1, planes + 1)] * 2, axis=1)
            modules.append(
                part(
                    "nn.SpatialConvolutionMap",
                    connTable=tensor(pairs),
                    nInputPlane=planes,
                    nOutputPlane=planes,
                    weight=kernels[0],
                    bias=biases[0],
                    kW=width,
                    kH=1,
                )
            )
        modules.append(
            part(
                "nn.SpatialConvolution",
                nInputPlane=planes,
                nOutputPlane=1,
                weight=kernels[-1],
                bias=biases[-1],
                kW=width if two_sided else 1,
                kH=height,
            )
        )
        modules.append(part("nn.Replicate", nfeatures=planes, dim=1, ndim=3))
        if which == "std":
            modules = [part("nn.Square"), *modules, part("nn.Sqrt")]
        return part("nn.Sequential", modules=modules)

    return rule


def thresholder(fields: Fields) -> LuaModule:
    """SpatialDivisiveNormalization's threshold."""
    return part(
        "nn.Threshold", threshold=fields["threshold"], val=fields["thresval"], inplace=False
    )


def partial_network(fields: Fields) -> LuaModule:
    """PartialLinear keeps its weight in a LookupTable (torch/nn: PartialLinear.lua)."""
    table = part("nn.LookupTable", weight=fields["weight"])
    pair = part("nn.ParallelTable", modules=[part("nn.Identity"), table])
    product = part("nn.MM", transA=False, transB=True)
    return part("nn.Sequential", modules=[pair, product])


def no_function(fields: Fields) -> None:
    """Copy between equal types stores functions of its own, which nothing here writes."""
    if fields.get("alias"):
        raise ValueError("between equal types it holds Lua functions, which can't be written")
