"""Rows of the subtractive, divisive and contrastive normalisation of neighbourhoods."""

from __future__ import annotations

from typing import Any

from t7convert.format.objects import LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.lua.schema.spec import REQUIRED, RawFields, row


def _modules(module: Any) -> list[LuaObject]:
    if not isinstance(module, LuaObject) or not isinstance(module.payload, LuaTable):
        raise TypeError(f"{module!r} is no module")
    modules = module.payload["modules"].list()
    if not all(isinstance(item.payload, LuaTable) for item in modules):
        raise TypeError(f"{module.typename} holds something that is no module")
    return list(modules)


def _kernels(module: Any) -> tuple[list[Any], list[Any]]:
    """Return the weights and the biases of the convolutions in an estimator."""
    convolutions = [m.payload for m in _modules(module) if "Convolution" in m.typename]
    if len(convolutions) not in (1, 2):
        raise ValueError(f"an estimator with {len(convolutions)} convolutions")
    return [c["weight"] for c in convolutions], [c.get("bias") for c in convolutions]


def _estimators(fields: RawFields, version: float | None) -> None:
    """Take the kernels out of the estimators: nobody trains them, they are constants.

    The field ``kernel`` won't do: modules made from one kernel tensor scale it for each other.
    """
    fields["meanKernels"], fields["meanBiases"] = _kernels(fields["meanestimator"])
    if fields.get("stdestimator") is not None:
        fields["stdKernels"], fields["stdBiases"] = _kernels(fields["stdestimator"])


def _coefficients(fields: RawFields, version: float | None) -> None:
    """Keep one plane of ``coef``, which Lua takes for good as long as ``_inpsz`` fits the input.

    It was computed in the type that the network had then: in a float network run in double it is
    float's. clearState takes the size away, but doesn't reach into
    SpatialContrastiveNormalization. All planes of all images are the same.
    """
    _estimators(fields, version)
    coef, seen = fields.get("coef"), fields.get("_inpsz")
    if not (isinstance(coef, LuaTensor) and isinstance(seen, LuaStorage)):
        return
    if coef.storage is not None and len(coef.size) in (4, 5):
        size, stride = (1, 1, *coef.size[-2:]), (1, 1, *coef.stride[-2:])
        sizes = enumerate(seen.numpy(), start=1)
        fields["coefficients"] = LuaTensor(coef.typename, size, stride, coef.offset, coef.storage)
        fields["coefficientsFor"] = LuaTable({i: int(n) for i, n in sizes})


# coef stays out: Lua may take it for good, see above
_WORK = "meanestimator subtractor divider ones localsums adjustedsums"

row(
    "nn.SpatialSubtractiveNormalization",
    "torch/nn: SpatialSubtractiveNormalization.lua",
    constants={
        "nInputPlane": REQUIRED,
        "kernel": None,
        "meanKernels": REQUIRED,
        "meanBiases": REQUIRED,
        "coefficients": None,
        "coefficientsFor": None,
    },
    buffers=_WORK + " coef _inpsz",
    upgrade=_coefficients,
)
row(
    "nn.SpatialDivisiveNormalization",
    "torch/nn: SpatialDivisiveNormalization.lua",
    constants={
        "nInputPlane": REQUIRED,
        "kernel": None,
        "meanKernels": REQUIRED,
        "meanBiases": REQUIRED,
        "stdKernels": REQUIRED,
        "stdBiases": REQUIRED,
        "threshold": 1e-4,
        "thresval": 1e-4,
    },
    buffers=_WORK
    + " coef stdestimator normalizer thresholder localstds adjustedstds thresholdedstds",
    upgrade=_estimators,
)
row(
    "nn.SpatialContrastiveNormalization",
    "torch/nn: SpatialContrastiveNormalization.lua",
    children="normalizer",
    constants={"kernel": None, "nInputPlane": 1, "threshold": 1e-4, "thresval": 1e-4},
)
row(
    "cudnn.SpatialDivisiveNormalization",
    "cudnn.torch: SpatialDivisiveNormalization.lua",
    constants={"size": 5, "alpha": 1e-4, "beta": 0.75, "K": 2.0},
    buffers="iSize _gradOutput",
    notes="refused: its updateOutput calls a method that it doesn't have, so it never ran",
)
