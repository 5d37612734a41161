"""Rows of the modules that add noise, and of those that touch nothing but the gradient."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, RawFields, row

_EVALUATION = "Lua's backward exists in training only; here the evaluation has its derivative"

row(
    "nn.Dropout",
    "torch/nn: Dropout.lua",
    constants={"p": 0.5, "v2": False, "inplace": False, "stochastic_inference": False},
    buffers="noise fnoise",
    unless="lazy mono flag",
    random=True,
    notes="random in training (and in evaluation if stochastic_inference); without v2, as before "
    "July 2014, training doesn't scale and evaluation multiplies by 1 - p",
)
for _name in ("SpatialDropout", "VolumetricDropout"):
    row(
        f"nn.{_name}",
        f"torch/nn: {_name}.lua",
        constants={"p": 0.5, "stochastic_inference": False},
        buffers="noise",
        random=True,
        notes="random in training, which doesn't scale; evaluation multiplies by 1 - p. "
        + _EVALUATION,
    )
row(
    "nn.WhiteNoise",
    "torch/nn: WhiteNoise.lua",
    constants={"mean": 0, "std": 0.1},
    buffers="noise",
    random=True,
    notes="random in training. " + _EVALUATION,
)


def reversal_without_strength(fields: RawFields, version: float | None) -> None:
    """GradientReversal.lua ``read``: before version 2 lambda is 1, whatever the file says."""
    if version is None or version < 2:
        fields["lambda"] = 1


row(
    "nn.GradientReversal",
    "torch/nn: GradientReversal.lua",
    constants={"lambda": 1},
    upgrade=reversal_without_strength,
    true_gradient=False,
)
row(
    "nn.L1Penalty",
    "torch/nn: L1Penalty.lua",
    constants={"l1weight": REQUIRED, "sizeAverage": False, "provideOutput": True},
    buffers="loss",
    true_gradient=False,
    notes="the identity; its gradient adds that of the penalty",
)
row("nn.ZeroGrad", "torch/nn: ZeroGrad.lua", true_gradient=False)
