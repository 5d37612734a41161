"""Rows of nnx's modules that hold other modules: classifier, fovea, pyramid, normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from t7convert.format.objects import LuaObject, LuaTable
from t7convert.lua.schema.spec import REQUIRED, RawFields, row


def _fields(module: Any) -> LuaTable:
    if not isinstance(module, LuaObject) or not isinstance(module.payload, LuaTable):
        raise TypeError(f"{module!r} is no module")
    return module.payload


def _leaves(module: Any) -> Iterator[LuaObject]:
    """Iterate over the modules inside nested Sequentials."""
    fields = _fields(module)
    if "modules" in fields:
        for child in fields["modules"].list():
            yield from _leaves(child)
    else:
        yield module


def _kernels(module: Any) -> LuaTable:
    """Return a table {weight, bias, left, right, top, bottom} per convolution of a sum."""
    steps: list[LuaTable] = []
    for leaf in _leaves(module):
        fields = _fields(leaf)
        if leaf.typename == "nn.SpatialPadding":
            pads = {name: fields[f"pad_{name[0]}"] for name in ("left", "right", "top", "bottom")}
            steps.append(LuaTable(pads))
        elif "Convolution" in leaf.typename:
            steps[-1].update(weight=fields["weight"], bias=fields["bias"])
    if len(steps) not in (1, 2) or any("weight" not in step for step in steps):
        raise ValueError(f"a sum over neighbours in {len(steps)} steps")
    return LuaTable(dict(enumerate(steps, start=1)))


def _sums(fields: RawFields, version: float | None) -> None:
    """Take the kernels out of the networks: nobody trains them, they are constants."""
    fields["mean"], fields["square"] = _kernels(fields["convo"]), _kernels(fields["convostd"])


def _classifier(fields: RawFields, version: float | None) -> None:
    """``modules`` holds the classifier once more, for nn's containers."""
    if fields.get("classifier") is None:
        fields["classifier"] = fields["modules"][1]


row(
    "nn.SpatialNormalization",
    "nnx: SpatialNormalization.lua",
    constants={
        "nfeatures": REQUIRED,
        "mean": REQUIRED,
        "square": REQUIRED,
        "fixedThres": None,
    },
    buffers="""convo convostd kernel coef squareMod sqrtMod subtractMod meanDiviseMod
    stdDiviseMod diviseMod thresMod input inConvo inMean inputZeroMean inputZeroMeanSq inConvoVar
    inVar inStdDev inStdDevNotUnit stdDev thstd padW padH pad2W pad2H kerWisPair kerHisPair
    ker2WisPair ker2HisPair""",
    upgrade=_sums,
    true_gradient=False,
    notes="the threshold is the mean deviation, which the gradient takes for a constant",
)
row(
    "nn.SpatialClassifier",
    "nnx: SpatialClassifier.lua",
    children="classifier",
    constants={"spatialOutput": True},
    buffers="""modules inputF inputT outputF outputT gradOutputF gradOutputT gradInputF
    gradInputT""",
    upgrade=_classifier,
    notes="three dimensions only; Lua's parameters() doesn't give the classifier's",
)
row(
    "nn.SpatialFovea",
    "nnx: SpatialFovea.lua",
    children="processors preProcessors",
    constants={
        "nInputPlane": REQUIRED,
        "ratios": REQUIRED,
        "fov": 1,
        "sub": 1,
        "padding": REQUIRED,
        "bilinear": False,
        "cachePrePreproc": False,
        "focused": False,
        "x": None,
        "y": None,
    },
    buffers="""modules downsamplers padders upsamplers pyramid preProcessed padded narrowed
    processed upsampled gradUpsampled gradProcessed gradNarrowed gradPadded gradPreProcessed
    gradPyramid cachedPreProcessed usage""",
    notes="Lua's parameters() gives those of the processors only",
)
row(
    "nn.SpatialPyramid",
    "nnx: SpatialPyramid.lua",
    children="unfocused_pipeline focused_pipeline",
    constants={
        "ratios": REQUIRED,
        "focused": False,
        "prescaled_input": False,
        "x": 0,
        "y": 0,
        "winWidth": None,
        "winHeight": None,
    },
    buffers="processors kW kH dW dH wFocus hFocus",
    notes="the pipeline that is in use; both hold the same processors",
)
