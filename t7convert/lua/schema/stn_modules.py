"""Rows of the spatial transformers (stnbhwd)."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, row

row(
    "nn.AffineTransformMatrixGenerator",
    "stnbhwd: AffineTransformMatrixGenerator.lua",
    constants={
        "fullMode": False,
        "useRotation": False,
        "useScale": False,
        "useTranslation": False,
    },
    buffers="rotationOutput scaleOutput",
)
row(
    "nn.AffineGridGeneratorBHWD",
    "stnbhwd: AffineGridGeneratorBHWD.lua",
    constants={"height": REQUIRED, "width": REQUIRED, "baseGrid": REQUIRED},
    buffers="batchGrid",
    notes="a grid is (y, x)",
)
row(
    "nn.BilinearSamplerBHWD",
    "stnbhwd: BilinearSamplerBHWD.lua",
    notes="images are (N, H, W, C), grids (y, x) from -1 to 1, corners on corners; zero outside",
)
