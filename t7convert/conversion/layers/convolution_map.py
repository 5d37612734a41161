"""Converters of the convolutions with a table of connections, and of subsampling."""

from __future__ import annotations

import torch
from torch import Tensor

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts
from t7convert.conversion.view import View
from t7convert.nn.convolution_map import MapConv2d, MapConvTranspose2d, SubSample2d


def _connections(m: Layer) -> tuple[Tensor, Tensor]:
    """Return the 0-based source and target planes of the table's rows."""
    table = m.constant("connTable").to(torch.long) - 1
    return table[:, 0].contiguous(), table[:, 1].contiguous()


@converts("nn.SpatialConvolutionMap")
def spatial_convolution_map(m: Layer) -> MapConv2d:
    planes = m.integer("nInputPlane"), m.integer("nOutputPlane")
    conv = MapConv2d(*_connections(m), planes, m.hw("k"), m.hw("d"))
    m.bind_all(conv, "weight", "bias")
    return conv


@converts("nn.SpatialFullConvolutionMap")
def spatial_full_convolution_map(m: Layer) -> MapConvTranspose2d:
    planes = m.integer("nInputPlane"), m.integer("nOutputPlane")
    conv = MapConvTranspose2d(*_connections(m), planes, m.hw("k"), m.hw("d"))
    m.bind_all(conv, "weight", "bias")
    return conv


@converts("nn.SpatialSubSampling")
def spatial_sub_sampling(m: Layer) -> SubSample2d:
    planes = m.integer("nInputPlane")
    module = SubSample2d(planes, m.hw("k"), m.hw("d"))
    # C takes the first numbers of the weight, whatever its shape (a tracker's is 32 x 2 x 2)
    first = View() if len(m.shape("weight")) == 1 else View().reshape(-1).narrow(0, 0, planes)
    m.bind("weight", module, view=first)
    m.bind("bias", module)
    return module
