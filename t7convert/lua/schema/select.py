"""Rows of the modules that choose, cut and join the entries of tables."""

from t7convert.lua.schema.spec import REQUIRED, row

_DIMENSION = {"dimension": REQUIRED, "nInputDims": None}

row("nn.JoinTable", "torch/nn: JoinTable.lua", constants=_DIMENSION, buffers="size")
row("nn.SplitTable", "torch/nn: SplitTable.lua", constants=_DIMENSION, buffers="modules")
row("nn.SelectTable", "torch/nn: SelectTable.lua", constants={"index": REQUIRED})
row("nn.NarrowTable", "torch/nn: NarrowTable.lua", constants={"offset": REQUIRED, "length": 1})
row("nn.FlattenTable", "torch/nn: FlattenTable.lua", buffers="input_map")
row("nn.ZipTable", "torch/nn: ZipTable.lua")
row("nn.ZipTableOneToMany", "torch/nn: ZipTableOneToMany.lua", buffers="gradInputEl")
