"""Rows of the spatial convolutions."""

from __future__ import annotations

from math import prod

from t7convert.format.objects import LuaTensor
from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, row


def square_padding(fields: RawFields, version: float | None) -> None:
    """Before padW and padH there was ``padding`` for both (2013 to 2014)."""
    padding = fields.get("padding")
    if padding is not None:
        fields.update(padW=padding, padH=padding)


def seen_as(tensor: LuaTensor, size: tuple[int, ...]) -> LuaTensor:
    """Return a contiguous tensor seen under another size; any other tensor as it is."""
    if not tensor.is_contiguous() or prod(size) != tensor.numel():
        return tensor
    stride = tuple(prod(size[axis + 1 :]) for axis in range(len(size)))
    return LuaTensor(tensor.typename, size, stride, tensor.offset, tensor.storage)


def _four_dimensions(fields: RawFields, version: float | None) -> None:
    """A weight saved as a matrix is seen as (outputs, inputs, kH, kW), as backCompatibility does.

    Source: torch/nn SpatialConvolution.lua.
    """
    square_padding(fields, version)
    weight = fields.get("weight")
    if isinstance(weight, LuaTensor) and len(weight.size) == 2:
        kernel = int(fields["kH"]), int(fields["kW"])
        inputs = weight.size[1] // prod(kernel)
        fields["weight"] = seen_as(weight, (weight.size[0], inputs, *kernel))


_PLANES = {"nInputPlane": REQUIRED, "nOutputPlane": REQUIRED}
_WINDOW = {"kW": REQUIRED, "kH": REQUIRED, "dW": 1, "dH": 1, "padW": 0, "padH": 0}

row(
    "nn.SpatialConvolution",
    "torch/nn: SpatialConvolution.lua",
    parameters="weight bias",
    constants={**_PLANES, **_WINDOW},
    buffers="gradWeight gradBias finput fgradInput _input _gradOutput padding",
    upgrade=_four_dimensions,
)
alias(
    "nn.SpatialConvolutionMM",
    "nn.SpatialConvolution",
    "torch/nn: SpatialConvolutionMM.lua",
    upgrade=square_padding,
)
alias(
    "nn.SpatialDilatedConvolution",
    "nn.SpatialConvolution",
    "torch/nn: SpatialDilatedConvolution.lua",
    constants={"dilationW": 1, "dilationH": 1},
)
alias(
    "cudnn.SpatialConvolution",
    "nn.SpatialConvolution",
    "cudnn.torch: SpatialConvolution.lua",
    constants={"groups": 1},
    buffers="""iSize fmode bdmode bwmode benchmarked input_offset output_offset weight_offset pad
    stride convDescData input_slice output_slice fastest_mode autotunerHash""",
)
row(
    "nn.SpatialDepthWiseConvolution",
    "torch/nn: SpatialDepthWiseConvolution.lua",
    parameters="weight bias",
    constants={**_PLANES, **_WINDOW},
    buffers="gradWeight gradBias finput fgradInput _input _gradOutput padding",
    upgrade=square_padding,
    notes="takes an image that is not square for one of W rows and H columns, as Torch7 on CPU did",
)
row(
    "nn.SpatialConvolutionLocal",
    "torch/nn: SpatialConvolutionLocal.lua",
    parameters="weight bias",
    constants={**_PLANES, **_WINDOW, "iW": REQUIRED, "iH": REQUIRED},
    buffers="gradWeight gradBias finput fgradInput _input _gradOutput oW oH",
)
