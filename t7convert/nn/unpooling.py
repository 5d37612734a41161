"""The partial inverse of max pooling."""

from __future__ import annotations

from torch import Tensor, nn

from t7convert.nn.pooling import MaxPool


class MaxUnpool(nn.Module):
    """Put every value where ``pooling`` found its maximum at its last call, zeros elsewhere.

    Source: torch/nn SpatialMaxUnpooling.lua, VolumetricMaxUnpooling.lua.
    """

    def __init__(self, pooling: MaxPool) -> None:
        super().__init__()
        self.pooling = pooling

    def forward(self, input: Tensor) -> Tensor:
        maxima = self.pooling.maxima
        if maxima.indices is None:
            raise RuntimeError("the pooling that this unpooling refers to has not run yet")
        if maxima.indices.shape != input.shape:
            found, expected = tuple(input.shape), tuple(maxima.indices.shape)
            raise RuntimeError(f"an input of shape {found}, the pooling gave {expected}")
        dims = len(maxima.size)
        lead = input.shape[:-dims]
        planes = input.new_zeros(*lead, *maxima.size).flatten(-dims)
        output = planes.scatter(-1, maxima.indices.flatten(-dims), input.flatten(-dims))
        return output.reshape(*lead, *maxima.size)
