"""Rows of the learned offsets and factors."""

from t7convert.lua.schema.spec import row

_BUFFERS = "gradWeight gradBias size _input _output _weight _bias _gradOutput _gradInput "
_BUFFERS += "_gradWeight _gradBias _expand _repeat _sum _ones"

row(
    "nn.Add",
    "torch/nn: Add.lua",
    parameters="bias",
    constants={"scalar": False},
    buffers=_BUFFERS,
)
row("nn.CAdd", "torch/nn: CAdd.lua", parameters="bias", buffers=_BUFFERS)
row("nn.Mul", "torch/nn: Mul.lua", parameters="weight", buffers=_BUFFERS)
row("nn.CMul", "torch/nn: CMul.lua", parameters="weight", buffers=_BUFFERS)
