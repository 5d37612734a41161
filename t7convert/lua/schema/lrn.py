"""Rows of local response normalisation across feature maps."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, RawFields, row


def _lower_case_k(fields: RawFields, version: float | None) -> None:
    """cudnn wrote ``K`` before it wrote ``k`` (cudnn.torch SpatialCrossMapLRN.lua)."""
    if fields.get("K") is not None:
        fields["k"] = fields["K"]


row(
    "nn.SpatialCrossMapLRN",
    "torch/nn: SpatialCrossMapLRN.lua",
    constants={"size": REQUIRED, "alpha": 1e-4, "beta": 0.75, "k": 1},
    buffers="scale paddedRatio accumRatio",
    notes="alpha is divided by size; an even size looks one map further up, as CUDA and cuDNN did",
)
row(
    "cudnn.SpatialCrossMapLRN",
    "cudnn.torch: SpatialCrossMapLRN.lua",
    constants={"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 1},
    buffers="iSize K _gradOutput",
    upgrade=_lower_case_k,
    notes="an even size looks one map further up",
)
