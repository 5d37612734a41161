"""Rows of Element-Research/dpnn; torch/rnn carries many of its classes on."""

from __future__ import annotations

from t7convert.format.objects import LuaTable
from t7convert.lua.schema.spec import REQUIRED, RawFields, alias, row

SERIAL = "dpnn_typename dpnn_serialEmpty dpnn_serialType dpnn_online dpnn_parameters"


def only_module(fields: RawFields, version: float | None) -> None:
    """Older decorators had their module in ``module`` alone."""
    module = fields.get("module")
    if fields.get("modules") is None and module is not None:
        fields["modules"] = LuaTable({1: module})


row(
    "nn.Inception",
    "dpnn: Inception.lua",
    children="modules",
    buffers=f"module pool transfer {SERIAL}",
    upgrade=only_module,
    notes="takes batches",
)
row(
    "nn.FireModule",
    "dpnn: FireModule.lua",
    children="modules",
    buffers=f"module squeeze expand {SERIAL}",
    upgrade=only_module,
)
row(
    "nn.Serial",
    "dpnn: Serial.lua",
    children="modules",
    buffers=f"module tensortype {SERIAL}",
    upgrade=only_module,
)
row(
    "nn.Clip",
    "dpnn: Clip.lua",
    constants={"minval": REQUIRED, "maxval": REQUIRED},
    buffers="_mask _byte",
    true_gradient=False,
    notes="the gradient passes unclipped",
)
row(
    "nn.ArgMax",
    "dpnn: ArgMax.lua",
    constants={"dim": 1, "nInputDim": 9999, "asLong": True},
    buffers="_value _indices",
    true_gradient=False,
    notes="indices count from 1; gradInput is zero",
)
row(
    "nn.SpatialGlimpse",
    "dpnn: SpatialGlimpse.lua",
    children="module",
    constants={"height": REQUIRED, "width": REQUIRED, "depth": 3, "scale": 2},
    buffers="modules _crop _pad",
    notes="the input is {images, locations}; a location (y, x) lies in -1..1 and gets a gradient"
    " of zero",
)
row(
    "nn.SpatialUniformCrop",
    "dpnn: SpatialUniformCrop.lua",
    children="scaler",
    constants={"oheight": REQUIRED, "owidth": REQUIRED, "scale": None},
    buffers="coord scales",
    random=True,
    notes="random in training; in evaluation the window that starts at (size - out) / 2, rounded"
    " up and counted from 1, unscaled, and an error where the sizes are equal",
)
row(
    "nn.SpatialFeatNormalization",
    "dpnn: SpatialFeatNormalization.lua",
    statistics="mean std",
    constants={"noOfFeats": None},
)
alias(
    "nn.SpatialBinaryConvolution",
    "nn.SpatialConvolution",
    "dpnn: SpatialBinaryConvolution.lua",
    buffers="iwh owh tempWeight alphas gradInputAlphas wmask _tempAlphas _tempAlphasExpanded"
    " _tempAlphasSamples _tempGradAlphas _tempGradAlphasExpanded _tempGradAlphasSamples",
    true_gradient=False,
    notes="computes with the signs of its weight; gradInput uses the weight itself in evaluation",
)
row(
    "nn.TotalDropout",
    "dpnn: TotalDropout.lua",
    constants={"p": 0.5},
    buffers="noise",
    random=True,
    notes="random in training, where it drops the whole input or nothing",
)
row(
    "nn.SpatialRegionDropout",
    "dpnn: SpatialRegionDropout.lua",
    constants={"p": 0.2},
    buffers="noise regionType",
    random=True,
    notes="random in training",
)
NOISE = "noise _tempNoise _tempNoiseExpanded _tempNoiseSamples"
row(
    "nn.SimpleColorTransform",
    "dpnn: SimpleColorTransform.lua",
    statistics="range",
    constants={"inputChannels": None},
    buffers=NOISE,
    random=True,
    notes="random in training",
)
row(
    "nn.PCAColorTransform",
    "dpnn: PCAColorTransform.lua",
    statistics="eigenVectors eigenValues",
    constants={"inputChannels": None, "std": 0.1},
    buffers=f"{NOISE} alphas _tempLambda _tempLambdaExpanded",
    random=True,
    notes="random in training",
)
row("nn.ReverseTable", "dpnn: ReverseTable.lua")
row(
    "nn.CategoricalEntropy",
    "dpnn: CategoricalEntropy.lua",
    constants={"scale": 1, "minEntropy": None, "sizeAverage": True},
    buffers="module modules _mul minusOne entropy",
    true_gradient=False,
    notes="the identity; its gradient gains that of the batch's entropy",
)
row(
    "nn.NCEModule",
    "dpnn: NCEModule.lua",
    parameters="weight bias",
    statistics="unigrams Z",
    constants={"k": REQUIRED, "batchnoise": False, "normalized": False, "logsoftmax": False},
    buffers="gradWeight gradBias addBuffer aliasmultinomial linout sampleidx sampleprob _noiseidx"
    f" _noiseprob _sampleidx _weight _bias _pm _gradWeight _gradOutput _tgradOutput _metaidx"
    f" testedtargets verbose {SERIAL}",
    random=True,
    notes="the input is {x, target}; draws noise in training, and in evaluation unless normalized",
)
DEVIATIONS: dict[str, dict[str, None]] = {
    "ReinforceNormal": {"stdev": None},
    "ReinforceGamma": {"scale": None},
    "ReinforceBernoulli": {},
    "ReinforceCategorical": {},
}
for name, deviation in DEVIATIONS.items():
    row(
        f"nn.{name}",
        f"dpnn: {name}.lua, Reinforce.lua",
        constants={"stochastic": False, **deviation},
        buffers="reward _reward __reward _stdev __stdev _stdev2 _uniform _div _index _input"
        f" _scale __scale _logOutput _logScale {SERIAL}",
        true_gradient=False,
        random=True,
        notes="draws in training, in evaluation only if stochastic; the gradient is that of"
        " REINFORCE, from the reward that a criterion gave",
    )
for name in ("VRClassReward", "BinaryClassReward"):
    row(
        f"nn.{name}",
        f"dpnn: {name}.lua",
        kind="criterion",
        children="module criterion",
        constants={"scale": 1, "sizeAverage": True},
        buffers="_maxVal _maxIdx __maxIdx _target _reward reward vrReward _binary dpnn_online",
        true_gradient=False,
        notes="gives the Reinforce modules of its module their reward; the prediction's gradient"
        " is zero",
    )
row(
    "nn.NCECriterion",
    "dpnn: NCECriterion.lua",
    kind="criterion",
    constants={"sizeAverage": True},
    buffers="_Pom _Pomdiv _Pon _Pondiv _lnPom _lnPon",
    true_gradient=False,
    notes="the epsilons of loss and gradient differ",
)
row(
    "nn.BinaryLogisticRegression",
    "dpnn: BinaryLogisticRegression.lua",
    kind="criterion",
    constants={"sizeAverage": True},
    buffers="_k _baseExponents _coeff _logCoeff",
)
row(
    "nn.SpatialBinaryLogisticRegression",
    "dpnn: SpatialBinaryLogisticRegression.lua",
    kind="criterion",
    constants={"sizeAverage": True},
    buffers="_k _h _w _isBatch _baseExponents _coeff _logCoeff",
)
