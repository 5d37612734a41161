"""Rows of the tables of vectors, and of one-hot vectors."""

from t7convert.lua.schema.spec import REQUIRED, row

row(
    "nn.LookupTable",
    "torch/nn: LookupTable.lua",
    parameters="weight",
    constants={
        "paddingValue": 0,
        "maxNorm": None,
        "normType": None,
        "shouldScaleGradByFreq": False,
    },
    buffers="gradWeight _count _input _sorted _indices copiedInput size inputs batchSize nBackward "
    "accUpdate fairScale batchScaled usePadding",
    true_gradient=False,
    notes="indices count from 1; with maxNorm the forward shortens rows of the weight itself; "
    "paddingValue only stops the gradient",
)
row(
    "nn.OneHot",
    "torch/nn: OneHot.lua",
    constants={"outputSize": REQUIRED, "_type": None},
    buffers="_single _input",
    notes="indices count from 1",
)
