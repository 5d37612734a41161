"""Converters of the transposed convolutions."""

from __future__ import annotations

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.conversion.view import View
from t7convert.nn.convolution_full import ConvTranspose2d


@converts("nn.SpatialFullConvolution", "cudnn.SpatialFullConvolution")
def spatial_full_convolution(m: Layer) -> ConvTranspose2d:
    planes, kernel = (m.integer("nInputPlane"), m.integer("nOutputPlane")), m.hw("k")
    conv = ConvTranspose2d(
        *planes,
        kernel,
        stride=m.hw("d"),
        padding=m.hw("pad"),
        output_padding=m.hw("adj"),
        bias=m.has("bias"),
    )
    m.bind("weight", conv, view=View().reshape(*planes, *kernel))
    m.bind_all(conv, "bias")
    return conv
