"""Rows of the reductions over one dimension."""

from __future__ import annotations

from t7convert.lua.schema.spec import row

row(
    "nn.Max",
    "torch/nn: Max.lua",
    constants={"dimension": 1, "nInputDims": None},
    buffers="_output _indices indices",
    notes="of equal entries the first gets the gradient",
)
row(
    "nn.Min",
    "torch/nn: Min.lua",
    constants={"dimension": 1, "nInputDims": None},
    buffers="_output _indices indices",
    notes="of equal entries the first gets the gradient",
)
_SUM = {"dimension": 1, "nInputDims": None, "squeeze": True}
row(
    "nn.Sum",
    "torch/nn: Sum.lua",
    constants={**_SUM, "sizeAverage": False},
    buffers="_gradOutput",
)
row(
    "nn.Mean",
    "torch/nn: Mean.lua, Sum.lua",
    # not True: Torch7 of 2017 reads a Mean of before 2016, which lacks the field, as a sum
    constants={**_SUM, "sizeAverage": False},
    buffers="_gradOutput _gradInput",
    notes="one saved before 2016 lacks sizeAverage and, as in the last Torch7, gives the sum",
)
