"""Rows of fast-neural-style and AdaIN-style: normalisation, cropping, Gram matrices, losses."""

from __future__ import annotations

from typing import Any

from t7convert.format.objects import LuaObject, LuaTable, LuaTensor
from t7convert.lua.schema.spec import REQUIRED, RawFields, row

_FNS, _ADAIN = "fast-neural-style: fast_neural_style/", "AdaIN-style: lib/"


def _which_nn(fields: RawFields, version: float | None) -> None:
    """Tell by the inner batch normalisation whether instances were normalised by themselves.

    These classes hand all instances to a batch normalisation as one sample. nn's took the sample's
    statistics until 2017, and noted them; since then, for one sample, it takes the running ones,
    which then stay 0 and 1.
    """
    inner: Any = fields.get("bn")
    if isinstance(inner, LuaObject) and isinstance(inner.payload, LuaTable):
        noted = inner.payload.get("running_mean")
        fields["instanceStatistics"] = isinstance(noted, LuaTensor) and bool(noted.numpy().any())


_STATISTICS = (
    "by the instance's statistics if the file shows that it ran so; with a newer nn, and for a"
    " module that never ran, Torch7 only divides by the root of 1 + eps"
)

row(
    "nn.InstanceNormalization@fast-neural-style",
    f"{_FNS}InstanceNormalization.lua",
    parameters="weight bias",
    constants={"nOutput": REQUIRED, "eps": 1e-5, "instanceStatistics": False},
    buffers="gradWeight gradBias bn prev_N",
    upgrade=_which_nn,
    when="weight prev_N",
    unless="affine",
    notes=_STATISTICS,
)
row(
    "nn.InstanceNormalization@AdaIN-style",
    f"{_ADAIN}InstanceNormalization.lua",
    parameters="weight bias",
    constants={
        "nOutput": REQUIRED,
        "eps": 1e-5,
        "affine": True,
        "disabled": False,
        "instanceStatistics": False,
    },
    buffers="gradWeight gradBias bn prev_N",
    upgrade=_which_nn,
    when="affine prev_N",
    notes=_STATISTICS,
)
row(
    "nn.AdaptiveInstanceNormalization",
    f"{_ADAIN}AdaptiveInstanceNormalization.lua",
    constants={"nOutput": REQUIRED, "eps": 1e-5, "disabled": False, "instanceStatistics": False},
    buffers="bn batchSize",
    upgrade=_which_nn,
    notes=f"{_STATISTICS}. Lua has no backward; the gradient is the derivative",
)
row("nn.ShaveImage", f"{_FNS}ShaveImage.lua", constants={"size": REQUIRED})
row("nn.GramMatrix", f"{_FNS}GramMatrix.lua", constants={"normalize": True}, buffers="buffer")
row(
    "nn.TotalVariation",
    f"{_FNS}TotalVariation.lua",
    constants={"strength": REQUIRED},
    buffers="x_diff y_diff",
    true_gradient=False,
    notes="the identity; its gradient gains the penalty's",
)
row(
    "nn.DeepDreamLoss",
    f"{_FNS}DeepDreamLoss.lua",
    constants={"strength": 1e-5, "max_grad": 100.0},
    buffers="clipped loss",
    true_gradient=False,
    notes="the identity; its gradient loses the clipped input, times the strength",
)
row(
    "nn.ContentLoss",
    f"{_FNS}ContentLoss.lua",
    statistics="target",
    children="crit",
    constants={"strength": 1.0, "mode": "none"},
    buffers="loss",
    true_gradient=False,
    notes="the identity; in mode loss its gradient gains the loss's, in mode capture it keeps its"
    " input as target",
)
row(
    "nn.StyleLoss",
    f"{_FNS}StyleLoss.lua",
    statistics="target",
    children="agg crit",
    constants={"strength": 1.0, "mode": "none"},
    buffers="loss agg_out agg_type _target",
    true_gradient=False,
    notes="the identity; in mode loss its gradient gains the loss's, in mode capture it keeps what"
    " it aggregates as target",
)
row(
    "nn.ContentLossModule",
    f"{_ADAIN}ContentLossModule.lua",
    statistics="target",
    children="crit",
    constants={"strength": 1.0, "normalize": False},
    buffers="loss nC",
    true_gradient=False,
    notes="the identity; with a target its gradient gains the loss's",
)
row(
    "nn.StyleINLossModule",
    f"{_ADAIN}StyleINLossModule.lua",
    statistics="target_mean target_std",
    children="mean_net std_net mean_criterion std_criterion",
    constants={"strength": 1.0, "normalize": False},
    buffers="loss mean_loss std_loss nC input_mean input_std input_centered",
    true_gradient=False,
    notes="the identity; with a target its gradient gains the loss's",
)
row(
    "nn.TVLossModule",
    f"{_ADAIN}TVLossModule.lua",
    children="crit",
    constants={"strength": 1.0},
    buffers="loss",
    true_gradient=False,
    notes="the identity; its gradient gains the loss's",
)
row(
    "nn.TVLossCriterion",
    f"{_ADAIN}TVLossCriterion.lua",
    kind="criterion",
    children="crit mse",
    buffers="target",
)
