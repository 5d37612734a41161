"""Rows of the modules and criterions of waifu2x (w2nn)."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, alias, row

row(
    "w2nn.InplaceClip01",
    "waifu2x: lib/InplaceClip01.lua",
    constants={"inplace": True},
    true_gradient=False,
    notes="overwrites its input; the gradient passes unclipped",
)
row(
    "w2nn.LeakyReLU",
    "waifu2x: lib/LeakyReLU.lua",
    constants={"negative_scale": 0.333},
    buffers="negative",
    true_gradient=False,
    notes="the gradient is the derivative for slopes above 0, except that it is 1 at 0",
)
row(
    "w2nn.AuxiliaryLossTable",
    "waifu2x: lib/AuxiliaryLossTable.lua",
    constants={"i": 1},
    buffers="output_table output_tensor",
    notes="the whole table in training, one entry in evaluation",
)
row(
    "w2nn.GradWeight",
    "waifu2x: lib/GradWeight.lua",
    constants={"constant_scalar": REQUIRED},
    true_gradient=False,
    notes="the identity; its gradient is scaled",
)
row("w2nn.ScaleTable", "waifu2x: lib/ScaleTable.lua", buffers="grad_tmp scale")
row(
    "w2nn.ShakeShakeTable",
    "waifu2x: lib/ShakeShakeTable.lua",
    buffers="alpha beta first second gradOutput",
    random=True,
    notes="random in training, with other factors in the gradient; the sum of both in evaluation."
    " Lua has no backward in evaluation",
)
alias(
    "w2nn.RandomBinaryConvolution",
    "nn.SpatialConvolution",
    "waifu2x: lib/RandomBinaryConvolution.lua",
    buffers="kSparsity",
    true_gradient=False,
    notes="the weight never gets a gradient",
)
alias(
    "w2nn.EdgeFilter",
    "nn.SpatialConvolution",
    "waifu2x: lib/EdgeFilter.lua",
    true_gradient=False,
    notes="the weight never gets a gradient",
)
for name in ("Print", "PrintTable"):
    row(
        f"w2nn.{name}",
        f"waifu2x: lib/{name}.lua",
        constants={"id": None},
        notes="logs instead of printing",
    )
row(
    "w2nn.ClippedMSECriterion",
    "waifu2x: lib/ClippedMSECriterion.lua",
    kind="criterion",
    constants={"min": 0, "max": 1},
    buffers="diff diff_pow2 instance_loss",
    true_gradient=False,
    notes="the gradient is half the derivative, and isn't clipped",
)
row(
    "w2nn.ClippedWeightedHuberCriterion",
    "waifu2x: lib/ClippedWeightedHuberCriterion.lua",
    kind="criterion",
    statistics="weight",
    constants={"gamma": 1.0, "clip": REQUIRED},
    buffers="diff diff_abs square_loss_buff linear_loss_buff outlier_rate",
    true_gradient=False,
    notes="the gradient leaves out the weight and the clipping",
)
row(
    "w2nn.L1Criterion",
    "waifu2x: lib/L1Criterion.lua",
    kind="criterion",
    buffers="diff linear_loss_buff",
)
row(
    "w2nn.SSIMCriterion",
    "waifu2x: lib/SSIMCriterion.lua",
    kind="criterion",
    children="conv",
    constants={"c1": 0.01**2, "c2": 0.03**2},
    buffers="ch mu1 mu2 mu1_sq mu2_sq mu1_mu2 sigma1_sq sigma2_sq sigma12 ssim_map",
    notes="Lua has no backward",
)
row(
    "w2nn.LBPCriterion",
    "waifu2x: lib/LBPCriterion.lua",
    kind="criterion",
    children="filter1 filter2",
    constants={"ch": REQUIRED, "n": 128, "gamma": 0.1},
    buffers="layers k diff diff_abs square_loss_buff linear_loss_buff input target",
    true_gradient=False,
    notes="the gradient is averaged over another count than the loss, and isn't clipped",
)
