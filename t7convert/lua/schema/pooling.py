"""Rows of the spatial poolings with windows of a fixed size."""

from __future__ import annotations

from t7convert.format.objects import LuaFunction
from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, row

_STRIDED = {"kW": REQUIRED, "kH": REQUIRED, "dW": REQUIRED, "dH": REQUIRED, "padW": 0, "padH": 0}


def unpadded_before_ceil_mode(fields: RawFields, version: float | None) -> None:
    """A file without ceil_mode is read as unpadded (SpatialAveragePooling.lua, backwardCompatible).

    Such a file was written before average pooling could pad.
    """
    if fields.get("ceil_mode") is None:
        fields.update(ceil_mode=False, count_include_pad=True, padW=0, padH=0)


def noted_by_unpooling(fields: RawFields, version: float | None) -> None:
    """Drop the updateOutput that an unpooling of early 2016 put into its pooling.

    It notes the input's size and calls the class's own (SpatialMaxUnpooling.lua,
    VolumetricMaxUnpooling.lua of that time); known by the names in its code.
    """
    function = fields.get("updateOutput")
    if isinstance(function, LuaFunction):
        names = (b"MaxPooling", b"updateOutput", b"iheight", b"iwidth", b"size", b"dim")
        if len(function.bytecode) < 600 and all(name in function.bytecode for name in names):
            del fields["updateOutput"]


row(
    "nn.SpatialMaxPooling",
    "torch/nn: SpatialMaxPooling.lua",
    constants={**_STRIDED, "ceil_mode": False},
    buffers="indices iheight iwidth",
    upgrade=noted_by_unpooling,
)
alias(
    "nn.SpatialDilatedMaxPooling",
    "nn.SpatialMaxPooling",
    "torch/nn: SpatialDilatedMaxPooling.lua",
    constants={"dilationW": 1, "dilationH": 1},
)
row(
    "nn.SpatialAveragePooling",
    "torch/nn: SpatialAveragePooling.lua",
    constants={
        **_STRIDED,
        "dW": 1,
        "dH": 1,
        "ceil_mode": False,
        "count_include_pad": True,
        "divide": False,
    },
    upgrade=unpadded_before_ceil_mode,
    notes="files without divide (2014) sum: the mean, whatever it divided by, times kW * kH",
)
alias(
    "cudnn.SpatialMaxPooling",
    "nn.SpatialMaxPooling",
    "cudnn.torch: SpatialMaxPooling.lua, Pooling.lua",
    buffers="iSize mode _gradOutput",
    upgrade=None,
    notes="a last window that starts in the right padding is kept",
)
alias(
    "cudnn.SpatialAveragePooling",
    "nn.SpatialAveragePooling",
    "cudnn.torch: SpatialAveragePooling.lua, Pooling.lua",
    constants={"dW": REQUIRED, "dH": REQUIRED, "divide": True},
    buffers="iSize mode _gradOutput",
    notes="divides by kW * kH; one that cuDNN refused (nn's divide, count_include_pad) is nn's",
)
