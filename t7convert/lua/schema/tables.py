"""Rows of the arithmetic over the tensors of a table."""

from t7convert.lua.schema.spec import row

row("nn.CAddTable", "torch/nn: CAddTable.lua", constants={"inplace": False})
row("nn.CSubTable", "torch/nn: CSubTable.lua")
row("nn.CMulTable", "torch/nn: CMulTable.lua", buffers="tout")
row("nn.CDivTable", "torch/nn: CDivTable.lua")
row(
    "nn.CMaxTable",
    "torch/nn: CMaxTable.lua",
    buffers="maxIdx mask maxVals gradMaxVals maskByteTensor",
    notes="of equal entries the first gets the gradient",
)
row(
    "nn.CMinTable",
    "torch/nn: CMinTable.lua",
    buffers="minIdx mask minVals gradMaxVals maskByteTensor",
    notes="of equal entries the first gets the gradient",
)
row("nn.CAddTensorTable", "torch/nn: CAddTensorTable.lua")
