"""Rows of the convolutions and poolings of volumes."""

from __future__ import annotations

from t7convert.lua.schema.pooling import noted_by_unpooling
from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, row

_PLANES = {"nInputPlane": REQUIRED, "nOutputPlane": REQUIRED}
_KERNEL = {"kT": REQUIRED, "kW": REQUIRED, "kH": REQUIRED}
_STRIDE = {"dT": 1, "dW": 1, "dH": 1}
_FIXED_STRIDE = {"dT": REQUIRED, "dW": REQUIRED, "dH": REQUIRED}
_PADDING = {"padT": 0, "padW": 0, "padH": 0}
_DILATION = {"dilationT": 1, "dilationW": 1, "dilationH": 1}
_WORK = "gradWeight gradBias finput fgradInput _input _gradOutput"
_CUDNN = """iSize fmode bdmode bwmode benchmarked groups input_offset output_offset weight_offset
pad stride convDescData input_slice output_slice fastest_mode autotunerHash"""


def _before_adj(fields: RawFields, version: float | None) -> None:
    """Until 2016 the weight was (outputs, inputs, ...), and pT, pW, pH the padding.

    Source: torch/nn VolumetricFullConvolution.lua, ``backCompatibility``.
    """
    fields["transposed"] = fields.get("adjW") is None
    for name in ("T", "W", "H"):
        if fields.get(f"pad{name}") is None:
            fields[f"pad{name}"] = fields.get(f"p{name}")


def _before_ceil(fields: RawFields, version: float | None) -> None:
    """Version 1 knew no ceil_mode (VolumetricMaxPooling.lua, ``read``)."""
    noted_by_unpooling(fields, version)
    if version is not None and version < 2:
        fields["ceil_mode"] = False


row(
    "nn.VolumetricConvolution",
    "torch/nn: VolumetricConvolution.lua",
    parameters="weight bias",
    constants={**_PLANES, **_KERNEL, **_STRIDE, **_PADDING},
    buffers=_WORK,
)
alias(
    "nn.VolumetricDilatedConvolution",
    "nn.VolumetricConvolution",
    "torch/nn: VolumetricDilatedConvolution.lua",
    constants=_DILATION,
)
alias(
    "cudnn.VolumetricConvolution",
    "nn.VolumetricConvolution",
    "cudnn.torch: VolumetricConvolution.lua",
    buffers=_CUDNN,
)
row(
    "nn.VolumetricFullConvolution",
    "torch/nn: VolumetricFullConvolution.lua",
    parameters="weight bias",
    constants={
        **_PLANES,
        **_KERNEL,
        **_STRIDE,
        **_PADDING,
        "adjT": 0,
        "adjW": 0,
        "adjH": 0,
        "transposed": False,
    },
    buffers=_WORK + " ones zeroScalar pT pW pH",
    upgrade=_before_adj,
    notes="a table {input, target} gives the output the target's size",
)
alias(
    "cudnn.VolumetricFullConvolution",
    "nn.VolumetricFullConvolution",
    "cudnn.torch: VolumetricFullConvolution.lua",
    buffers=_CUDNN,
)
row(
    "nn.VolumetricMaxPooling",
    "torch/nn: VolumetricMaxPooling.lua",
    constants={**_KERNEL, **_FIXED_STRIDE, **_PADDING, "ceil_mode": False},
    buffers="indices itime iheight iwidth",
    upgrade=_before_ceil,
)
alias(
    "nn.VolumetricDilatedMaxPooling",
    "nn.VolumetricMaxPooling",
    "torch/nn: VolumetricDilatedMaxPooling.lua",
    constants=_DILATION,
    notes="refused where Torch7's CPU and CUDA code disagree: dilated, and padded by two or more",
)
row(
    "cudnn.VolumetricMaxPooling",
    "cudnn.torch: VolumetricMaxPooling.lua, Pooling3D.lua",
    constants={**_KERNEL, **_FIXED_STRIDE, **_PADDING, "ceil_mode": False},
    buffers="iSize mode _gradOutput indices",
)
row(
    "nn.VolumetricAveragePooling",
    "torch/nn: VolumetricAveragePooling.lua",
    constants={**_KERNEL, **_FIXED_STRIDE},
    buffers="padT padW padH ceil_mode",
    notes="never pads",
)
row(
    "cudnn.VolumetricAveragePooling",
    "cudnn.torch: VolumetricAveragePooling.lua, Pooling3D.lua",
    constants={**_KERNEL, **_FIXED_STRIDE, **_PADDING, "ceil_mode": False},
    buffers="iSize mode _gradOutput",
    notes="always divides by kT * kW * kH",
)
