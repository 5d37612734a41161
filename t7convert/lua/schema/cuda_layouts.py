"""Rows of the CUDA modules of 2012 to 2015 whose images are (planes, rows, columns, batch).

Sources: torch/cunn of 2013, soumith/cuda-convnet2.torch; and facebook/fbcunn, whose layout is nn's.
"""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, alias, row

_PLANES = {"nInputPlane": REQUIRED, "nOutputPlane": REQUIRED}
_CUNN = "torch/cunn (2013): "
_CCN2 = "cuda-convnet2.torch: "
_BUFFERS = "gradWeight gradBias"
_LAYOUT = "images are (C, H, W, N)"

row(
    "nn.SpatialConvolutionCUDA",
    _CUNN + "SpatialConvolutionCUDA.lua, SpatialConvolutionCUDA.cu",
    parameters="weight bias",
    constants={**_PLANES, "kW": REQUIRED, "kH": REQUIRED, "dW": 1, "dH": 1, "padding": 0},
    buffers=_BUFFERS + " gradWeightPartial partialSum",
    notes=_LAYOUT + "; padding counts both sides together",
)
row(
    "nn.SpatialMaxPoolingCUDA",
    _CUNN + "SpatialMaxPoolingCUDA.lua, SpatialMaxPoolingCUDA.cu",
    constants={"kW": REQUIRED, "kH": REQUIRED, "dW": REQUIRED, "dH": REQUIRED},
    buffers="indices",
    notes=_LAYOUT,
)
row(
    "ccn2.SpatialConvolution",
    _CCN2 + "SpatialConvolution.lua",
    parameters="weight bias",
    constants={**_PLANES, "kH": REQUIRED, "dH": 1, "padding": 0, "groups": 1},
    buffers=_BUFFERS + " partialSum wTemp",
    notes=_LAYOUT + "; the last window may reach beyond the padding",
)
row(
    "ccn2.SpatialMaxPooling",
    _CCN2 + "SpatialMaxPooling.lua",
    constants={"kW": REQUIRED, "dW": REQUIRED},
    notes=_LAYOUT,
)
alias("ccn2.SpatialAvgPooling", "ccn2.SpatialMaxPooling", _CCN2 + "SpatialAvgPooling.lua")
row(
    "ccn2.SpatialCrossMaxPooling",
    _CCN2 + "SpatialCrossMaxPooling.lua",
    constants={"kD": REQUIRED, "dD": REQUIRED},
    notes=_LAYOUT,
)
row(
    "ccn2.SpatialCrossResponseNormalization",
    _CCN2 + "SpatialCrossResponseNormalization.lua",
    constants={
        "size": REQUIRED,
        "addScale": REQUIRED,
        "powScale": 0.75,
        "minDiv": 1.0,
        "blocked": False,
    },
    notes=_LAYOUT + "; blocked windows are refused",
)
row(
    "ccn2.SpatialResponseNormalization",
    _CCN2 + "SpatialResponseNormalization.lua",
    constants={"size": REQUIRED, "addScale": REQUIRED, "powScale": 0.75, "minDiv": 1.0},
    buffers="denoms",
    notes=_LAYOUT,
)
for _kind in (
    "FFT",
    "CuFFT",
    "FBFFT",
    "FBFFTGemm",
    "FFTTiled",
    "FFTTiledAsync",
    "FFTTiledIterated",
    "FFTTiledSync",
):
    row(
        f"nn.SpatialConvolution{_kind}",
        f"fbcunn: SpatialConvolution{_kind}.lua",
        parameters="weight bias",
        constants={
            **_PLANES,
            "kW": REQUIRED,
            "kH": REQUIRED,
            "dW": 1,
            "dH": 1,
            "padLeft": 0,
            "padUp": 0,
        },
        buffers=_BUFFERS + " padRight padDown",
    )
row(
    "fbnn.SpatialConvolution",
    "fbcunn: SpatialConvolution.lua",
    parameters="weight bias",
    constants={
        "inputPlanes": REQUIRED,
        "outputPlanes": REQUIRED,
        "kW": REQUIRED,
        "kH": REQUIRED,
        "dW": 1,
        "dH": 1,
        "padLeft": 0,
        "padUp": 0,
    },
    buffers=_BUFFERS + " cudnnModuleInst bestModuleInst",
)
row(
    "nn.TemporalConvolutionFB",
    "fbcunn: TemporalConvolutionFB.lua",
    parameters="weight bias",
    constants={"inputFrameSize": REQUIRED, "outputFrameSize": REQUIRED, "kW": REQUIRED, "dW": 1},
    buffers=_BUFFERS,
)
