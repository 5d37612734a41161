"""Rows of the modules around one other module, and of those that only watch."""

from __future__ import annotations

from t7convert.lua.schema.spec import RawFields, alias, row


def first_replica(fields: RawFields, version: float | None) -> None:
    """Keep the first of several replicas: the others are copies of it on other devices."""
    modules = fields.get("modules")
    fields["modules"] = [] if modules is None else modules.list()[:1]


row("nn.Decorator", "torch/nn: Decorator.lua", children="modules")
row(
    "nn.Bottle",
    "torch/nn: Bottle.lua",
    children="modules",
    constants={"nInputDim": 2, "nOutputDim": None},
    buffers="dimDelta inShape outShape",
)
row(
    "nn.NaN",
    "torch/nn: NaN.lua",
    children="modules",
    constants={"id": None},
    notes="an output with NaN raises; gradients aren't looked at",
)
row(
    "nn.Profile",
    "torch/nn: Profile.lua",
    children="modules",
    constants={"name": None},
    buffers="module print_interval numFwds numBwds summedFwdTime summedBwdTime timer",
    notes="passes on to its module and measures nothing",
)
row(
    "nn.PrintSize",
    "torch/nn: PrintSize.lua",
    constants={"prefix": "PrintSize"},
    notes="logs the size instead of printing it",
)
row(
    "nn.GPU",
    "torch/nn: GPU.lua",
    children="modules",
    buffers="device outdevice _input _gradOutput",
    notes="passes on to its module; the device is the caller's matter",
)
row(
    "nn.DataParallelTable",
    "cunn: DataParallelTable.lua",
    children="modules",
    buffers="""typeStr dimension gpuAssignments inputGpu gradOutputGpu outputGpu gradInputGpu
    flattenedParams flattenParams usenccl needsSync impl maxUsedGpu buffer batchSize noGradInput
    gradInputAssignments outputAssignments sendGpu syncCopies""",
    upgrade=first_replica,
    notes="the first replica",
)
row(
    "nn.DataParallel",
    "fbcunn: DataParallel.lua, AbstractParallel.lua",
    children="modules",
    buffers="""dimension gpu_assignments size container_gpuid input_gpu gradOutput_gpu
    gradInput_gpu homeGradBuffers""",
    upgrade=first_replica,
    notes="the first replica",
)
alias(
    "nn.ModelParallel",
    "nn.Concat",
    "fbcunn: ModelParallel.lua, AbstractParallel.lua",
    buffers="gpu_assignments container_gpuid input_gpu gradOutput_gpu gradInput_gpu",
)
