"""Rows of the convolutions with a table of connections, and of subsampling."""

from __future__ import annotations

from t7convert.format.objects import LuaTensor
from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, row

_WINDOW = {"kW": REQUIRED, "kH": REQUIRED, "dW": 1, "dH": 1}

row(
    "nn.SpatialConvolutionMap",
    "torch/nn: SpatialConvolutionMap.lua",
    parameters="weight bias",
    constants={
        **_WINDOW,
        "nInputPlane": REQUIRED,
        "nOutputPlane": REQUIRED,
        "connTable": REQUIRED,
    },
    buffers="gradWeight gradBias",
    true_gradient=False,
    notes="where the stride leaves a remainder, Torch7's gradients go astray; so do these",
)
alias(
    "nn.SpatialFullConvolutionMap",
    "nn.SpatialConvolutionMap",
    "torch/nn: SpatialFullConvolutionMap.lua",
    true_gradient=True,
    notes="",
)


def _as_many_as_planes(fields: RawFields, version: float | None) -> None:
    """C takes the first numbers of the weight, whatever its shape (a tracker's is 32 x 2 x 2)."""
    weight = fields.get("weight")
    if isinstance(weight, LuaTensor) and len(weight.size) > 1 and weight.is_contiguous():
        size = (int(fields["nInputPlane"]),)
        fields["weight"] = LuaTensor(weight.typename, size, (1,), weight.offset, weight.storage)


row(
    "nn.SpatialSubSampling",
    "torch/nn: SpatialSubSampling.lua",
    parameters="weight bias",
    constants={**_WINDOW, "nInputPlane": REQUIRED},
    buffers="gradWeight gradBias",
    upgrade=_as_many_as_planes,
)
