"""Rows of the element-wise functions."""

from t7convert.lua.schema.spec import alias, row

row("nn.ReLU", "torch/nn: ReLU.lua, Threshold.lua", constants={"inplace": False})
alias("cudnn.ReLU", "nn.ReLU", "cudnn.torch: ReLU.lua, Pointwise.lua", buffers="iSize nElem mode")
row("nn.Tanh", "torch/nn: Tanh.lua")
row("nn.Sigmoid", "torch/nn: Sigmoid.lua")
