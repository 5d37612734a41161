"""Rows of the unpoolings, which ask a pooling where its maxima were."""

from __future__ import annotations

from t7convert.lua.schema.spec import row

row(
    "nn.SpatialMaxUnpooling",
    "torch/nn: SpatialMaxUnpooling.lua",
    children="pooling",
    buffers="indices oheight owidth",
)
row(
    "nn.VolumetricMaxUnpooling",
    "torch/nn: VolumetricMaxUnpooling.lua",
    children="pooling",
    buffers="indices otime oheight owidth dT dW dH padT padW padH",
)
