"""Rows of cuDNN's recurrent layers, whose weights are one flat tensor."""

from __future__ import annotations

from t7convert.lua.schema.spec import REQUIRED, alias, row

_SOURCE = "cudnn.torch: {}.lua"
#: Descriptors are cut off when an object is written; files from before hold none either.
_WORK = """gradWeight reserve workspace hiddenOutput cellOutput gradHiddenInput gradCellInput
gradHiddenOutput gradCellOutput dropoutStates dropoutStatesSize seed sync datatype seqLength
miniBatch inputPacked _input _gradOutput"""

row(
    "cudnn.RNN",
    _SOURCE.format("RNN"),
    parameters="weight",
    constants={
        "inputSize": REQUIRED,
        "hiddenSize": REQUIRED,
        "numLayers": REQUIRED,
        "mode": "CUDNN_RNN_RELU",
        "bidirectional": "CUDNN_UNIDIRECTIONAL",
        "inputMode": "CUDNN_LINEAR_INPUT",
        "dropout": 0,
        "batchFirst": False,
        "rememberStates": False,
        "hiddenInput": None,
        "cellInput": None,
    },
    buffers=_WORK,
    random=True,
    notes="steps x batch x inputs unless batchFirst, or [packed, batch sizes]; keys and layout are "
    "those of torch.nn; random in training if there is dropout. Checked against a NumPy "
    "reference and torch.nn: Torch7 runs it on CUDA only. A remembered state isn't taken over: "
    "the network starts as after resetStates()",
)
for _name, _mode in (
    ("RNNReLU", "RNN_RELU"),
    ("RNNTanh", "RNN_TANH"),
    ("LSTM", "LSTM"),
    ("GRU",) * 2,
):
    _constants = {"mode": f"CUDNN_{_mode}"}
    alias(f"cudnn.{_name}", "cudnn.RNN", _SOURCE.format(_name), constants=_constants)
for _name, _mode in (("BLSTM", "LSTM"), ("BGRU", "GRU")):
    _constants = {"mode": f"CUDNN_{_mode}", "bidirectional": "CUDNN_BIDIRECTIONAL"}
    alias(f"cudnn.{_name}", "cudnn.RNN", _SOURCE.format(_name), constants=_constants)
