"""Fields that Lua constructors compute from other fields, for the modules written to a .t7.

Each rule names the Lua constructor's own formula; fields that hold the last pass (``iSize``) get
what they have before the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from t7convert.export.torch7.parts import estimator, no_function, partial_network, thresholder
from t7convert.format.objects import ArrayPayload, LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.lua.record import GradientOf
from t7convert.lua.tree import LuaModule

Fields = Mapping[str, Any]
#: Computes a field of a module from its other fields; gives plain values, storages, NumPy arrays
#: (a tensor of the network's type) or a module of the tree.
Rule = Callable[[Fields], Any]


def long_storage(values: Any) -> LuaStorage:
    """Return a LongStorage of these whole numbers."""
    array = np.asarray(list(values), dtype=np.int64)
    return LuaStorage("torch.LongStorage", array.size, ArrayPayload(array))


def numbers(value: Any) -> list[int]:
    """Return the whole numbers of a LongStorage, a tensor or a list."""
    if isinstance(value, (LuaStorage, LuaTensor)):
        return [int(n) for n in np.asarray(value.numpy()).reshape(-1)]
    return [int(n) for n in value]


def lua_list(values: Any) -> LuaTable:
    """Return a table of the values 1..n."""
    return LuaTable(dict(enumerate(values, start=1)))


def _zeros(*size: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.zeros(size)


def _elements(fields: Fields) -> int:
    return prod(n for n in numbers(fields["size"]) if n >= 0)


def _descriptor(fields: Fields) -> LuaTable:
    """The table that cudnn's Convolution describes itself with (cudnn.torch: functional.lua)."""
    return LuaTable(
        {
            "arrayLength": 2,
            "mode": "CUDNN_CROSS_CORRELATION",
            "padA": lua_list([fields["padH"], fields["padW"]]),
            "filterStrideA": lua_list([fields["dH"], fields["dW"]]),
            "upscaleA": lua_list([1, 1]),
            "dataType": "CUDNN_DATA_FLOAT",
        }
    )


def _group_weights(fields: Fields) -> int:
    groups = int(fields.get("groups", 1))
    planes = int(fields["nInputPlane"]) // groups * (int(fields["nOutputPlane"]) // groups)
    return planes * int(fields["kH"]) * int(fields["kW"])


def _side(size: str, pad: str, kernel: str, step: str) -> Rule:
    def rule(fields: Fields) -> int:
        span = int(fields[size]) + 2 * int(fields[pad]) - int(fields[kernel])
        return span // int(fields[step]) + 1

    return rule


def _of_pooling(name: str) -> Rule:
    """SpatialLPPooling is a Sequential; its window is that of the pooling inside."""

    def rule(fields: Fields) -> Any:
        for child in fields["modules"]:
            if isinstance(child, LuaModule) and name in child.fields:
                return child.fields[name]
        raise KeyError(name)

    return rule


def _transposes(fields: Fields) -> bool | None:
    given, wanted = str(fields["inputShape"]), str(fields["outputShape"])
    return set(wanted) <= set(given) if len(given) == len(wanted) else None


def _inner_gradient(fields: Fields) -> Any:
    bias = fields["modules"][0].fields.get("bias")
    return None if bias is None else GradientOf(bias)


def _permuted(fields: Fields) -> list[int]:
    """WeightNorm sees the weight with its output dimension first (permuteIn)."""
    sizes, first = numbers(fields["weightSize"]), int(fields.get("outputDim", 1)) - 1
    return [sizes[first], *sizes[:first], *sizes[first + 1 :]]


def _weight_norm(fields: Fields) -> tuple[Any, Any, Any]:
    """LinearWeightNorm in evaluation reads what it last computed (updateWeightMatrix)."""
    v, g = (np.asarray(fields[name].numpy(), dtype=np.float64) for name in ("v", "g"))
    norm = np.maximum(np.sqrt((v**2).sum(axis=1, keepdims=True)), float(fields["eps"]))
    scale = g.reshape(-1, 1) / norm
    return norm, scale, v * scale


def _running(fields: Fields) -> LuaTable:
    empty = {name: LuaTable() for name in ("cumSumSizes", "keys", "gradWeight")}
    return LuaTable({**empty, "counter": 1})


#: By ``Class.field``, or by the field alone.
RULES: dict[str, Rule] = {
    "affine": lambda f: f.get("weight") is not None,
    "nn.Add._ones": lambda f: np.ones(1),
    "nn.CAdd.size": lambda f: long_storage(f["bias"].size),
    "nn.CMul.size": lambda f: long_storage(f["weight"].size),
    "nn.Bottle.dimDelta": lambda f: int(f["nInputDim"]) - int(f.get("nOutputDim", f["nInputDim"])),
    "nn.Bottle.inShape": lambda f: _zeros(int(f["nInputDim"])),
    "nn.Bottle.outShape": lambda f: _zeros(int(f.get("nOutputDim", f["nInputDim"]))),
    "nn.View.numElements": _elements,
    "nn.Reshape.nelement": lambda f: prod(numbers(f["size"])),
    "nn.Reshape.batchsize": lambda f: long_storage([0, *numbers(f["size"])]),
    "nn.PixelShuffle.upscaleFactorSquared": lambda f: int(f["upscaleFactor"]) ** 2,
    "nn.Convert.inputBatchDim": lambda f: str(f["inputShape"]).index("b") + 1,
    "nn.Convert.outputBatchDim": lambda f: str(f["outputShape"]).index("b") + 1,
    "nn.Convert.nInputDim": lambda f: len(str(f["inputShape"])),
    "nn.Convert.nOutputDim": lambda f: len(str(f["outputShape"])),
    "nn.Convert.transposition": _transposes,
    "nn.IndexLinear.inputSize": lambda f: int(f["weight"].size[0]),
    "nn.IndexLinear.outputSize": lambda f: int(f["weight"].size[1]),
    "nn.IndexLinear.running": _running,
    "nn.Kmeans.clusterSampleCount": lambda f: _zeros(int(f["k"])),
    "nn.LinearWeightNorm.inputSize": lambda f: int(f["v"].size[1]),
    "nn.LinearWeightNorm.outputSize": lambda f: int(f["v"].size[0]),
    "nn.LinearWeightNorm.norm": lambda f: _weight_norm(f)[0],
    "nn.LinearWeightNorm.scale": lambda f: _weight_norm(f)[1],
    "nn.LinearWeightNorm.weight": lambda f: _weight_norm(f)[2],
    "nn.WeightNorm._norm": lambda f: _zeros(int(f["v"].size[0]), 1),
    "nn.WeightNorm._scale": lambda f: _zeros(int(f["v"].size[0])),
    "nn.WeightNorm.otherDims": lambda f: prod(_permuted(f)[1:]),
    "nn.WeightNorm.viewIn": lambda f: long_storage(f["v"].size),
    "nn.WeightNorm.viewOut": lambda f: long_storage(_permuted(f)),
    "nn.WeightNorm.bias": lambda f: f["modules"][0].fields.get("bias"),
    "nn.WeightNorm.gradBias": _inner_gradient,
    "nn.ClassSimplexCriterion._target": lambda f: _zeros(int(f["nClasses"])),
    "nn.SpatialSubtractiveNormalization.meanestimator": estimator("mean"),
    "nn.SpatialSubtractiveNormalization.coef": lambda f: np.ones((1, 1, 1)),
    "nn.SpatialDivisiveNormalization.meanestimator": estimator("mean"),
    "nn.SpatialDivisiveNormalization.stdestimator": estimator("std"),
    "nn.SpatialDivisiveNormalization.thresholder": thresholder,
    "nn.SpatialDivisiveNormalization.coef": lambda f: np.ones((1, 1, 1)),
    "nn.PartialLinear.network": partial_network,
    "nn.PartialLinear.inputsize": lambda f: int(f["weight"].size[1]),
    "nn.PartialLinear.outputsize": lambda f: int(f["weight"].size[0]),
    "nn.PartialLinear.allcolumns": lambda f: np.arange(1.0, f["weight"].size[0] + 1),
    "nn.Copy.updateOutput": no_function,
    "nn.Copy.updateGradInput": no_function,
    "nn.SpatialConvolutionLocal.oW": _side("iW", "padW", "kW", "dW"),
    "nn.SpatialConvolutionLocal.oH": _side("iH", "padH", "kH", "dH"),
    "nn.SpatialLPPooling.kW": _of_pooling("kW"),
    "nn.SpatialLPPooling.kH": _of_pooling("kH"),
    "nn.SpatialLPPooling.dW": _of_pooling("dW"),
    "nn.SpatialLPPooling.dH": _of_pooling("dH"),
    "nn.MapTable.module": lambda f: f["modules"][0],
    "nn.Profile.module": lambda f: f["modules"][0],
    "nn.Profile.timer": lambda f: LuaObject("torch.Timer"),
    "nn.SpatialUpSamplingBilinear.inputSize": lambda f: long_storage([0] * 4),
    "nn.SpatialUpSamplingBilinear.outputSize": lambda f: long_storage([0] * 4),
    "nn.SpatialUpSamplingNearest.inputSize": lambda f: long_storage([0] * 4),
    "nn.SpatialUpSamplingNearest.outputSize": lambda f: long_storage([0] * 4),
    "nn.SpatialMaxPooling.iwidth": lambda f: 0,
    "nn.SpatialMaxPooling.iheight": lambda f: 0,
    "cudnn.ReLU.nElem": lambda f: 1,
    "cudnn.SpatialAveragePooling.iSize": lambda f: long_storage([0] * 4),
    "cudnn.SpatialConvolution.iSize": lambda f: long_storage([0] * 4),
    "cudnn.SpatialConvolution.pad": lambda f: lua_list([f["padH"], f["padW"]]),
    "cudnn.SpatialConvolution.stride": lambda f: lua_list([f["dH"], f["dW"]]),
    "cudnn.SpatialConvolution.convDescData": _descriptor,
    "cudnn.SpatialConvolution.weight_offset": _group_weights,
    "cudnn.SpatialConvolution.input_offset": lambda f: 0,
    "cudnn.SpatialConvolution.output_offset": lambda f: 0,
    "cudnn.SpatialConvolution.autotunerHash": lambda f: "",
}


def rule_for(typename: str, name: str) -> Rule | None:
    """Return the rule of a class's field, or None."""
    return RULES.get(f"{typename}.{name}", RULES.get(name))
