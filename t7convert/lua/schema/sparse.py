"""Rows of the linear maps of sparse inputs."""

from t7convert.lua.schema.spec import row

row(
    "nn.SparseLinear",
    "torch/nn: SparseLinear.lua",
    parameters="weight bias",
    constants={"weightDecay": 0, "doGradInput": False},
    buffers="gradWeight gradBias sparseUpdate lastInput formatted_input legacyMode shardBuffer",
    true_gradient=False,
    notes="inputs are pairs (index from 1, value); Lua's gradInput is dense, or none",
)
row(
    "nn.IndexLinear",
    "torch/nn: IndexLinear.lua",
    parameters="weight bias",
    constants={"normalize": 0, "offset": -1, "doGradInput": False},
    buffers="gradWeight gradBias gradWeightBuffer valuesBuffer normalizedValues running sizesCache "
    "cumSumSizesCache weightDecay inputSize outputSize keys values sizes cumSumSizes lkeys lvalues "
    "isFlat noBatch updateKeys updateKeysBuffer zerokeys",
    true_gradient=False,
    notes="training with normalize changes the weight in the forward pass; Lua keeps the weight's "
    "gradient per key",
)
