"""Rows of the containers and of the modules that work on tables."""

from t7convert.lua.schema.spec import row

row("nn.Sequential", "torch/nn: Sequential.lua", children="modules")
row("nn.ConcatTable", "torch/nn: ConcatTable.lua", children="modules")
row("nn.CAddTable", "torch/nn: CAddTable.lua", constants={"inplace": False})
