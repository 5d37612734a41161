"""Rows of the modules that slide over sequences."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, row

row(
    "nn.TemporalConvolution",
    "torch/nn: TemporalConvolution.lua",
    parameters="weight bias",
    constants={"inputFrameSize": REQUIRED, "outputFrameSize": REQUIRED, "kW": REQUIRED, "dW": 1},
    buffers="gradWeight gradBias",
)
row(
    "cudnn.TemporalConvolution",
    "cudnn.torch: TemporalConvolution.lua",
    parameters="weight bias",
    constants={
        "inputFrameSize": REQUIRED,
        "outputFrameSize": REQUIRED,
        "kH": REQUIRED,
        "dH": 1,
        "padH": 0,
    },
    buffers="""gradWeight gradBias nInputPlane nOutputPlane kW dW padW groups iSize fmode bdmode
    bwmode buffer _output _input _gradOutput pad stride convDescData input_slice output_slice
    fastest_mode
    input_offset output_offset weight_offset oSize autotunerHash finput fgradInput""",
    notes="kH and dH count frames, where nn's class says kW and dW",
)
row(
    "nn.TemporalRowConvolution",
    "torch/nn: TemporalRowConvolution.lua",
    parameters="weight bias",
    constants={"inputFrameSize": REQUIRED, "kW": REQUIRED, "dW": 1, "featFirst": False},
    buffers="gradWeight gradBias finput fgradInput _input _gradOutput",
)
row(
    "nn.TemporalSubSampling",
    "torch/nn: TemporalSubSampling.lua",
    parameters="weight bias",
    constants={"inputFrameSize": REQUIRED, "kW": REQUIRED, "dW": 1},
    buffers="gradWeight gradBias",
)
row(
    "nn.TemporalMaxPooling",
    "torch/nn: TemporalMaxPooling.lua",
    constants={"kW": REQUIRED, "dW": REQUIRED},
    buffers="indices",
)
row(
    "nn.TemporalDynamicKMaxPooling",
    "torch/nn: TemporalDynamicKMaxPooling.lua",
    constants={"minK": REQUIRED, "factor": 0},
    buffers="indices",
    notes="among equal values the first ones are kept; Torch7's sort says nothing about them",
)
