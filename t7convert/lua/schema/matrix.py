"""Rows of the products and mixtures of several inputs."""

from t7convert.lua.schema.spec import row

row("nn.MM", "torch/nn: MM.lua", constants={"transA": False, "transB": False})
row("nn.MV", "torch/nn: MV.lua", constants={"trans": False})
row(
    "nn.MixtureTable",
    "torch/nn: MixtureTable.lua",
    constants={"dim": None},
    buffers="size size2 batchSize backwardSetup table dimG _gaterView _expert _expertView _sum "
    "_expert2 _expertView2 _gradInput",
    notes="without dim: 2, or 1 where the gater has no batch dimension",
)
